//! Where each value of a JSON text stands: for errors that name their place.

use std::fmt;

/// As deep as `serde_json` reads.
const MAX_DEPTH: usize = 128;
/// As much of a key as an error shows.
const SHOWN: usize = 40;

/// One step on the way to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// The member of this name, as it is written.
    Key(&'a str),
    /// The element with this number, from 0.
    Index(usize),
    /// An object whose next member has no name yet.
    Unnamed,
}

/// The way to a value, such as `tenants[1].id`.
pub(crate) struct Path<'a>(pub(crate) Vec<Step<'a>>);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let dot = if depth == 0 { "" } else { "." };
                    // What comes from the file can't steer the terminal.
                    let key = key.chars().take(SHOWN).filter(|char| !char.is_control());
                    write!(f, "{dot}{}", key.collect::<String>())?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Unnamed => {}
            }
        }
        Ok(())
    }
}

/// What `serde_json` was busy with when it had read the first `end` bytes, and where that begins.
pub(crate) fn begun_at(text: &str, end: usize) -> (Path<'_>, usize) {
    let mut last = (Path(Vec::new()), 0, Part::Value);
    walk(text, |path, offset, part| {
        let within = offset < end;
        if within {
            last = (Path(path.to_vec()), offset, part);
        }
        within
    });
    let (path, offset, part) = last;
    let begin = if part == Part::End {
        offset_of(text, &path.0)
    } else {
        offset
    };
    (path, begin)
}

/// Where the value at `path` begins; the end of the text where there is none.
pub(crate) fn offset_of(text: &str, path: &[Step<'_>]) -> usize {
    let mut found = text.len();
    walk(text, |at, offset, part| {
        let here = part == Part::Value && at == path;
        if here {
            found = offset;
        }
        !here
    });
    found
}

/// An offset as a line and a column, both from 1; a column counts characters.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(&text.as_bytes()[..offset.min(text.len())]);
    let line = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|char| *char != '\n')
        .count()
        + 1;
    (line, column)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Key,
    Value,
    End,
}

/// Calls `seen` for each key, value and end of a value, until it returns `false`. Of a text that
/// is no JSON it sees as much as there is before the fault.
fn walk<'a>(text: &'a str, mut seen: impl FnMut(&[Step<'a>], usize, Part) -> bool) {
    let bytes = text.as_bytes();
    let mut path: Vec<Step<'a>> = Vec::new();
    let mut offset = 0;
    while let Some(byte) = bytes.get(offset) {
        let start = offset;
        offset += 1;
        let go_on = match byte {
            b'{' | b'[' => {
                let go_on = path.len() < MAX_DEPTH && seen(&path, start, Part::Value);
                path.push(if *byte == b'{' {
                    Step::Unnamed
                } else {
                    Step::Index(0)
                });
                go_on
            }
            b'}' | b']' => {
                path.pop();
                seen(&path, start, Part::End)
            }
            b',' => {
                match path.last_mut() {
                    Some(Step::Index(index)) => *index += 1,
                    Some(key) => *key = Step::Unnamed,
                    None => {}
                }
                true
            }
            b'"' => {
                offset = end_of_string(bytes, start);
                if let Some(unnamed @ Step::Unnamed) = path.last_mut() {
                    *unnamed = Step::Key(text[start..offset].trim_matches('"'));
                    seen(&path, start, Part::Key)
                } else {
                    seen(&path, start, Part::Value)
                }
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => true,
            _ => {
                let ends = |byte: &u8| b",]}: \t\r\n\"{[".contains(byte);
                let rest = &bytes[offset..];
                offset += rest.iter().position(ends).unwrap_or(rest.len());
                seen(&path, start, Part::Value)
            }
        };
        if !go_on {
            return;
        }
    }
}

/// The offset behind the string that starts at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut offset = start + 1;
    while let Some(byte) = bytes.get(offset) {
        offset += 1;
        match byte {
            b'"' => return offset,
            b'\\' => offset += 1,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{Path, Step, begun_at, line_and_column, offset_of};

    const TEXT: &str = "{\n  \"a\": [1, {\"b\": \"ü\", \"c\": 2}],\n  \"d\": \"\\\"]\"\n}";

    #[test]
    fn a_path_finds_its_value() {
        let c = [Step::Key("a"), Step::Index(1), Step::Key("c")];
        assert_eq!(&TEXT[offset_of(TEXT, &c)..][..1], "2");
        assert_eq!(line_and_column(TEXT, offset_of(TEXT, &c)), (2, 28));
        let d = [Step::Key("d")];
        assert_eq!(line_and_column(TEXT, offset_of(TEXT, &d)), (3, 8));
        assert_eq!(offset_of(TEXT, &[Step::Key("nowhere")]), TEXT.len());
    }

    #[test]
    fn an_offset_finds_its_path() {
        let path = |end| begun_at(TEXT, end).0.to_string();
        let at = |part: &str| TEXT.find(part).expect("part") + 1;
        assert_eq!(path(at("1,")), "a[0]");
        assert_eq!(path(at("2}")), "a[1].c");
        assert_eq!(path(at("}]")), "a[1]");
        assert_eq!(path(TEXT.len()), "");
    }

    #[test]
    fn no_text_makes_it_panic_or_grow() {
        for text in [
            "", "\"", "\"\\", "]]]", "{,,}", "{\"ü", "\\", "nul", "[[[", "{\"a\":}",
        ] {
            for end in 0..=text.len() {
                let _ = begun_at(text, end);
            }
            let _ = offset_of(text, &[Step::Index(0)]);
        }
        let deep = "[".repeat(1_000_000);
        assert!(begun_at(&deep, deep.len()).0.0.len() <= 128);
        let wide = Path(vec![Step::Key("k"); 2]);
        assert_eq!(wide.to_string(), "k.k");
    }
}
