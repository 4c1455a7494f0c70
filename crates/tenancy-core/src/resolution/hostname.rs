//! Reads host names strictly: one spelling for each, and nothing that two parsers may read
//! differently.

use crate::{InvalidDomain, RequestView};

/// The longest name that the DNS allows.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host name in lower case, folded as the DNS does.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_name(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.is_empty() {
        return Err("the host name is empty");
    }
    if bytes.len() > MAX_NAME {
        return Err("the host name is too long");
    }
    if bytes.last() == Some(&b'.') {
        return Err("the host name ends with a dot");
    }
    for label in bytes.split(|byte| *byte == b'.') {
        check_label(label)?;
    }
    let name = String::from_utf8(bytes.to_ascii_lowercase())
        .map_err(|_| "the host name has a character that is not allowed")?;
    // Number-like last labels are IPv4 addresses to some parsers, in decimal, octal and hex.
    let last = name.rsplit('.').next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = last
        .strip_prefix("0x")
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    if digits(last) || hex {
        Err("the host is an IP address")
    } else {
        Ok(name)
    }
}

fn check_label(label: &[u8]) -> Result<(), &'static str> {
    if label.is_empty() {
        return Err("the host name has an empty label");
    }
    if label.len() > MAX_LABEL {
        return Err("the host name has a label that is too long");
    }
    if !label
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    {
        return Err("the host name has a character that is not allowed");
    }
    if label.first() == Some(&b'-') || label.last() == Some(&b'-') {
        return Err("the host name has a label with a hyphen at its edge");
    }
    Ok(())
}

/// A host with an optional port, as `Host` and `:authority` carry it.
#[derive(Debug, PartialEq, Eq)]
struct Authority {
    name: String,
    port: Option<u16>,
}

fn parse_authority(bytes: &[u8]) -> Result<Authority, &'static str> {
    if bytes.contains(&b'@') {
        return Err("the host carries user information");
    }
    if bytes.first() == Some(&b'[') {
        return Err("the host is an IP address");
    }
    let mut parts = bytes.splitn(2, |byte| *byte == b':');
    let name = parse_name(parts.next().unwrap_or_default())?;
    let port = parts.next().map(parse_port).transpose()?;
    Ok(Authority { name, port })
}

fn parse_port(bytes: &[u8]) -> Result<u16, &'static str> {
    const BAD: &str = "the port is not valid";
    let canonical = bytes
        .first()
        .is_some_and(|first| matches!(first, b'1'..=b'9'))
        && bytes.iter().all(u8::is_ascii_digit);
    if !canonical {
        return Err(BAD);
    }
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(BAD)
}

/// The one host that a request names, in lower case and without its port.
///
/// # Errors
/// What is wrong: a malformed host, more than one, or two that disagree.
pub(crate) fn of_request(request: &dyn RequestView) -> Result<Option<String>, &'static str> {
    let header = match request.header_values("host").as_slice() {
        [] => None,
        [one] => Some(parse_authority(one)?),
        _ => return Err("the Host header was sent more than once"),
    };
    let authority = request
        .authority()
        .map(|text| parse_authority(text.as_bytes()))
        .transpose()?;
    match (header, authority) {
        (Some(header), Some(authority)) => {
            let ports_differ =
                matches!((header.port, authority.port), (Some(one), Some(other)) if one != other);
            if header.name != authority.name || ports_differ {
                Err("the Host header and the URI name different hosts")
            } else {
                Ok(Some(header.name))
            }
        }
        (header, authority) => Ok(header.or(authority).map(|host| host.name)),
    }
}

/// What stands in front of `base`, if `name` is a name under it. Both are in lower case.
pub(crate) fn under<'n>(name: &'n str, base: &str) -> Option<&'n str> {
    name.strip_suffix(base)?.strip_suffix('.')
}

/// A service's own host: any name, so that `localhost` will do for development.
pub(crate) fn own(text: &str) -> Result<String, InvalidDomain> {
    parse_name(text.as_bytes()).map_err(|what| InvalidDomain { what })
}

/// A label that may be a tenant's id: not an internationalised name, whose look-alikes are
/// endless.
pub(crate) fn label_id(label: &str) -> Result<crate::TenantId, &'static str> {
    if label.starts_with("xn--") {
        return Err("an internationalised label is no tenant id");
    }
    crate::TenantId::new(label).map_err(|_| "the label is no tenant id")
}
