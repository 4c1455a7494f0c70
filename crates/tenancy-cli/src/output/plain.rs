//! Text from elsewhere on a terminal.

/// The text on one line, with nothing in it that a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        if sign.is_control() || is_direction(sign) {
            shown.extend(sign.escape_unicode());
        } else {
            shown.push(sign);
        }
    }
    shown
}

/// What turns the direction of text, so that it reads as something else.
fn is_direction(sign: char) -> bool {
    matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_terminal_is_given_no_orders() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\u{a}c");
        assert_eq!(plain("a\u{9b}2J\u{202e}x"), "a\\u{9b}2J\\u{202e}x");
        assert_eq!(plain("Grüße \"?\" $1"), "Grüße \"?\" $1");
    }
}
