//! The last guard before a message is shown: what looks like a secret is taken out.

/// A message without passwords in URLs and without keys, whatever brought them there.
pub(crate) fn redact(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for piece in message.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if looks_like_a_key(word) {
            shown.push_str("***");
        } else {
            shown.push_str(&without_password(word));
        }
        shown.push_str(&piece[word.len()..]);
    }
    shown
}

/// `scheme://user:password@host` with stars in place of the password, and none behind `password=`.
fn without_password(word: &str) -> String {
    const NAMED: &str = "password=";
    let mut word = word.to_owned();
    if let (Some(start), Some(end)) = (word.find("://"), word.rfind('@'))
        && let Some(colon) = word.get(start + 3..end).and_then(|user| user.find(':'))
    {
        word.replace_range(start + 3 + colon + 1..end, "***");
    }
    if let Some(at) = word.to_ascii_lowercase().find(NAMED) {
        let from = at + NAMED.len();
        let end = word[from..].find('&').map_or(word.len(), |end| from + end);
        word.replace_range(from..end, "***");
    }
    word
}

/// Whether 32 bytes in base64 are in it, as in `ID:BASE64`.
pub(crate) fn looks_like_a_key(text: &str) -> bool {
    const LENGTH: usize = 43;
    let sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '+' || sign == '/';
    text.split(|other| !sign(other))
        .any(|run| run.len() == LENGTH)
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_are_taken_out_and_nothing_else_is() {
        let key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
        for (message, shown) in [
            ("plain text,\n two lines", "plain text,\n two lines"),
            (
                "'postgres://u:hunter2@h/d' found",
                "'postgres://u:***@h/d' found",
            ),
            ("mysql://u:hun@ter2@h/d", "mysql://u:***@h/d"),
            ("postgres://u@h:5432/d", "postgres://u@h:5432/d"),
            ("x?password=hunter2&a=b", "x?password=***&a=b"),
            ("https://example.com/x", "https://example.com/x"),
            (&format!("k1:{key} is no id"), "*** is no id"),
            (&format!("'--key={key}'"), "***"),
        ] {
            assert_eq!(redact(message), shown, "{message}");
        }
    }
}
