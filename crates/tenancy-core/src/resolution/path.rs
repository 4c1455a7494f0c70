//! A segment of the path.

use crate::{Extracted, RequestView, Resolver, Spoofable};

/// Reads the tenant's id from one segment of the path: `acme` in `/t/acme/notes`.
///
/// The path is read as it was sent. Where another reader (a proxy, a router that decodes) could
/// come to another segment, the request is invalid: `.` and `..` also percent-encoded, empty
/// segments, backslashes and percent-encoding up to the id.
///
/// ```
/// use tenancy_core::PathSegment;
/// let after_a_prefix = PathSegment::after("/t");
/// let the_first = PathSegment::nth(0);
/// ```
#[derive(Debug, Clone)]
pub struct PathSegment {
    /// What stands in front: fixed text, or anything.
    prefix: Vec<Option<String>>,
}

impl PathSegment {
    /// The segment after this prefix. A path without the prefix, or with nothing behind it, says
    /// nothing.
    ///
    /// # Panics
    /// Where `prefix` is not of the form `/a` or `/a/b`, of `a-z A-Z 0-9 - _ .` without `.` and
    /// `..`: that is a slip in the program, which must not start.
    pub fn after(prefix: &str) -> Self {
        let plain = |segment: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !segment.is_empty() && segment.bytes().all(allowed) && !leads_elsewhere(segment)
        };
        let segments = prefix.strip_prefix('/').unwrap_or_default().split('/');
        let segments = segments.map(|segment| plain(segment).then(|| Some(segment.to_owned())));
        match segments.collect() {
            Some(prefix) => Self { prefix },
            None => panic!("PathSegment::after takes a prefix such as /t, of plain segments"),
        }
    }

    /// The segment at this position, counted from 0.
    pub fn nth(position: usize) -> Self {
        Self {
            prefix: vec![None; position],
        }
    }

    fn read(&self, path: &str) -> Result<Extracted, &'static str> {
        // `*` (OPTIONS) and the empty path (CONNECT) have no segments.
        let Some(path) = path.strip_prefix('/') else {
            return Ok(Extracted::None);
        };
        let mut segments = path.split('/').peekable();
        for wanted in &self.prefix {
            let Some(segment) = segments.next() else {
                return Ok(Extracted::None);
            };
            if segment.is_empty() && segments.peek().is_none() {
                return Ok(Extracted::None);
            }
            match wanted {
                Some(wanted) if wanted == segment => {}
                _ if is_ambiguous(segment) => return Err("the path can be read in two ways"),
                Some(_) => return Ok(Extracted::None),
                None => {}
            }
        }
        let Some(segment) = segments.next() else {
            return Ok(Extracted::None);
        };
        if segment.is_empty() && segments.peek().is_none() {
            return Ok(Extracted::None);
        }
        // A `..` further on may lead a router that normalises back to another tenant's part.
        if is_ambiguous(segment) || segments.any(leads_elsewhere) {
            return Err("the path can be read in two ways");
        }
        Ok(Extracted::id(segment))
    }
}

/// Whether another reader may see another segment here, or none.
fn is_ambiguous(segment: &str) -> bool {
    segment.is_empty() || leads_elsewhere(segment) || segment.contains(['%', ';'])
}

/// Whether this holds `.`, `..` or a backslash for a reader that decodes it.
fn leads_elsewhere(segment: &str) -> bool {
    let decoded = segment
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/");
    let names_dots = |part: &str| {
        let name = part.split(';').next().unwrap_or_default();
        name == "." || name == ".."
    };
    decoded.contains('\\') || decoded.contains("%5c") || decoded.split('/').any(names_dots)
}

impl Resolver for PathSegment {
    type Trust = Spoofable;

    fn name(&self) -> &'static str {
        "path"
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        self.read(request.path()).into()
    }
}
