//! What an answer says of how its request went.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tenancy_core::Ending;

/// What the head of an answer says of how its request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// A status below 400: informational, a success or a redirection; or gRPC's `OK`.
    Success,
    /// A client's or a server's error, or another gRPC status.
    Failure,
    /// Nothing yet: a gRPC call's status comes in the trailers, behind its messages.
    InTrailers,
    /// Nothing that can be read here: gRPC-Web was made of a gRPC answer already, and its status is
    /// within its data.
    Unreadable,
}

impl Answered {
    /// What an answer with this status and these headers says.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let of_http = Self::of_status(status.as_u16());
        match (of_http, grpc_kind(headers)) {
            (Self::Success, Some(kind)) => match grpc_status(headers) {
                Some(status) => Self::of_grpc(status),
                None if kind.starts_with(b"-web") => Self::Unreadable,
                None => Self::InTrailers,
            },
            (of_http, _) => of_http,
        }
    }

    /// What an answer with this status says, where no gRPC is spoken.
    pub fn of_status(status: u16) -> Self {
        if status < 400 {
            Self::Success
        } else {
            Self::Failure
        }
    }

    /// What trailers say, or the headers of an answer that has none.
    pub(crate) fn of_trailers(trailers: &HeaderMap) -> Self {
        grpc_status(trailers).map_or(Self::Success, Self::of_grpc)
    }

    /// Whether trailers say that a gRPC call went well. Those of no gRPC call say nothing.
    pub(crate) fn is_grpc_ok(trailers: &HeaderMap) -> bool {
        grpc_status(trailers).is_some_and(|status| Self::of_grpc(status) == Self::Success)
    }

    fn of_grpc(status: &HeaderValue) -> Self {
        if status == "0" {
            Self::Success
        } else {
            Self::Failure
        }
    }

    pub(crate) fn ending(self) -> Ending {
        match self {
            Self::Failure => Ending::Failed,
            Self::Success | Self::InTrailers | Self::Unreadable => Ending::Completed,
        }
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get("grpc-status")
}

/// What comes behind gRPC's name in the content type: nothing, `+proto`, `-web`, ..
fn grpc_kind(headers: &HeaderMap) -> Option<&[u8]> {
    const GRPC: &[u8] = b"application/grpc";
    let (name, kind) = headers
        .get(CONTENT_TYPE)?
        .as_bytes()
        .split_at_checked(GRPC.len())?;
    let is_grpc = kind.is_empty() || kind.starts_with(b"-web") || matches!(kind[0], b'+' | b';');
    (name.eq_ignore_ascii_case(GRPC) && is_grpc).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &'static str, grpc_status: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(status) = grpc_status {
            headers.insert("grpc-status", HeaderValue::from_static(status));
        }
        headers
    }

    #[test]
    fn a_status_below_400_is_a_success() {
        let plain = headers("text/plain", None);
        for (status, answered) in [
            (101, Answered::Success),
            (200, Answered::Success),
            (204, Answered::Success),
            (303, Answered::Success),
            (400, Answered::Failure),
            (404, Answered::Failure),
            (500, Answered::Failure),
            (700, Answered::Failure),
        ] {
            let code = StatusCode::from_u16(status).unwrap();
            assert_eq!(Answered::of(code, &plain), answered, "{status}");
            assert_eq!(Answered::of_status(status), answered, "{status}");
        }
    }

    #[test]
    fn grpc_says_it_in_its_own_status() {
        for (grpc_status, answered) in [
            (None, Answered::InTrailers),
            (Some("0"), Answered::Success),
            (Some("7"), Answered::Failure),
            (Some("00"), Answered::Failure),
        ] {
            let headers = headers("application/grpc+proto", grpc_status);
            assert_eq!(Answered::of(StatusCode::OK, &headers), answered);
        }
        for (content_type, answered) in [
            ("application/grpc", Answered::InTrailers),
            ("Application/gRPC; charset=utf-8", Answered::InTrailers),
            ("application/grpc-web+proto", Answered::Unreadable),
            ("application/grpcish", Answered::Success),
            ("application/grp", Answered::Success),
        ] {
            let headers = headers(content_type, None);
            assert_eq!(Answered::of(StatusCode::OK, &headers), answered);
        }
        let json = headers("application/json", Some("5"));
        assert_eq!(Answered::of(StatusCode::OK, &json), Answered::Success);
        let broken = headers("application/grpc", Some("0"));
        let answered = Answered::of(StatusCode::BAD_GATEWAY, &broken);
        assert_eq!(answered, Answered::Failure);
    }
}
