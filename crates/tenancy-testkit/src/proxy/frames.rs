//! Splits the byte stream of PostgreSQL's protocol into its messages, however it arrives in pieces.

use std::sync::atomic::{AtomicBool, Ordering};

/// Asks for TLS or GSS encryption; the answer is a single byte.
const ENCRYPTION_REQUESTS: [u32; 2] = [80_877_103, 80_877_104];

/// What the two directions of one connection must know of each other.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    asked_for_encryption: AtomicBool,
    encrypted: AtomicBool,
}

/// Which end the bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Client,
    Server,
}

/// Reads one direction of one connection.
#[derive(Debug)]
pub(super) struct Scanner {
    from: From,
    /// The client's first messages have a length but no tag.
    greeting: bool,
    head: Vec<u8>,
    skip: usize,
}

impl Scanner {
    pub(super) const fn new(from: From) -> Self {
        Self {
            from,
            greeting: matches!(from, From::Client),
            head: Vec::new(),
            skip: 0,
        }
    }

    /// Calls `seen` with the tag of each message whose head is in these bytes or is completed by them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], shake: &Handshake, mut seen: impl FnMut(u8)) {
        while !bytes.is_empty() && !shake.encrypted.load(Ordering::SeqCst) {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let (byte, rest) = (bytes[0], &bytes[1..]);
            bytes = rest;
            if self.from == From::Server
                && self.head.is_empty()
                && shake.asked_for_encryption.swap(false, Ordering::SeqCst)
            {
                // `N` is a no; after anything else the rest can't be read by us.
                shake.encrypted.store(byte != b'N', Ordering::SeqCst);
                continue;
            }
            self.head.push(byte);
            if self.greeting {
                self.greet(shake);
            } else if let [tag, length @ ..] = self.head.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                // The length counts itself.
                self.skip = body(length, 4);
                seen(*tag);
                self.head.clear();
            }
        }
    }

    fn greet(&mut self, shake: &Handshake) {
        let (Some(length), Some(code)) = (word(&self.head, 0), word(&self.head, 4)) else {
            return;
        };
        self.skip = body(length, 8);
        self.head.clear();
        let code = u32::from_be_bytes(code);
        if ENCRYPTION_REQUESTS.contains(&code) {
            shake.asked_for_encryption.store(true, Ordering::SeqCst);
        } else {
            self.greeting = false;
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at + 4)?.try_into().ok()
}

fn body(length: [u8; 4], counted: usize) -> usize {
    usize::try_from(u32::from_be_bytes(length))
        .unwrap_or(usize::MAX)
        .saturating_sub(counted)
}

#[cfg(test)]
mod tests {
    use super::{From, Handshake, Scanner};

    fn tags(from: From, stream: &[u8], piece: usize) -> String {
        let (mut scanner, shake, mut tags) =
            (Scanner::new(from), Handshake::default(), String::new());
        for bytes in stream.chunks(piece) {
            scanner.feed(bytes, &shake, |tag| tags.push(char::from(tag)));
        }
        tags
    }

    #[test]
    fn messages_are_found_in_pieces_of_any_size() {
        // SSLRequest, StartupMessage with a body that looks like messages, Query "Z", Sync.
        let client = [
            &[0, 0, 0, 8, 4, 210, 22, 47][..],
            &[0, 0, 0, 13, 0, 3, 0, 0, b'Q', 0, 0, 0, 4],
            &[b'Q', 0, 0, 0, 6, b'Z', 0],
            &[b'S', 0, 0, 0, 4],
        ]
        .concat();
        let server = [b'C', 0, 0, 0, 6, b'Z', 0, b'Z', 0, 0, 0, 5, b'I'];
        for piece in 1..=client.len() {
            assert_eq!(
                tags(From::Client, &client, piece),
                "QS",
                "in pieces of {piece}"
            );
            assert_eq!(
                tags(From::Server, &server, piece),
                "CZ",
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn the_answer_to_an_encryption_request_is_one_byte() {
        for (answer, expected) in [(b'N', "Z"), (b'S', "")] {
            let (mut client, mut server) = (Scanner::new(From::Client), Scanner::new(From::Server));
            let (shake, mut tags) = (Handshake::default(), String::new());
            client.feed(&[0, 0, 0, 8, 4, 210, 22, 47], &shake, |_| ());
            let stream = [answer, b'Z', 0, 0, 0, 5, b'I'];
            server.feed(&stream, &shake, |tag| tags.push(char::from(tag)));
            assert_eq!(tags, expected);
        }
    }
}
