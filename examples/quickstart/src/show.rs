//! What the reader sees: sections, checks with what was asked and answered, and a summary.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

/// Lines are broken here.
const WIDTH: usize = 100;
/// As much of a question or an answer as is shown.
const SHOWN: usize = 600;

/// Prints to standard output, and keeps the score.
#[derive(Debug)]
pub(crate) struct Show {
    colour: bool,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    title: String,
    held: usize,
    broken: usize,
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
}

impl Show {
    /// In colour on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(crate) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour: wanted && io::stdout().is_terminal(),
            sections: Vec::new(),
        }
    }

    /// The first line, and what it is about.
    pub(crate) fn title(&self, title: impl Display) {
        self.line(&self.styled(Style::Bold, &title.to_string()));
    }

    /// A line of plain text.
    pub(crate) fn say(&self, text: impl Display) {
        self.wrapped("  ", "", &text.to_string(), Style::Plain);
    }

    /// A line to be copied, so it is never broken.
    pub(crate) fn copyable(&self, text: impl Display) {
        self.line(&format!("  {text}"));
    }

    /// A heading that counts for nothing.
    pub(crate) fn heading(&self, heading: &str) {
        self.line("");
        self.title(heading);
    }

    /// Begins a section; the checks that follow count for it.
    pub(crate) fn section(&mut self, title: &str) {
        let number = self.sections.len() + 1;
        self.heading(&format!("{number}. {title}"));
        self.sections.push(Section {
            title: title.to_owned(),
            held: 0,
            broken: 0,
        });
    }

    /// Something that was promised, and whether it held.
    pub(crate) fn check(&mut self, promise: impl Display, held: bool) {
        let (mark, style) = if held {
            ("✓", Style::Good)
        } else {
            ("✗", Style::Bad)
        };
        self.wrapped(
            &format!("  {} ", self.styled(style, mark)),
            "    ",
            &promise.to_string(),
            Style::Plain,
        );
        if let Some(section) = self.sections.last_mut() {
            if held {
                section.held += 1;
            } else {
                section.broken += 1;
            }
        }
    }

    /// What was asked, below its check.
    pub(crate) fn asked(&self, asked: impl Display) {
        self.wrapped(
            "      → ",
            "        ",
            &shortened(asked.to_string()),
            Style::Dim,
        );
    }

    /// What came back, below what was asked.
    pub(crate) fn answered(&self, answer: impl Display) {
        self.wrapped(
            "      ← ",
            "        ",
            &shortened(answer.to_string()),
            Style::Dim,
        );
    }

    /// The score of each section. Whether every promise held, and there was one.
    pub(crate) fn summary(&self) -> bool {
        let held: usize = self.sections.iter().map(|section| section.held).sum();
        let broken: usize = self.sections.iter().map(|section| section.broken).sum();
        let widest = self
            .sections
            .iter()
            .map(|s| s.title.chars().count())
            .max()
            .unwrap_or(0);
        self.line("");
        self.title("Summary");
        for (
            number,
            Section {
                title,
                held,
                broken,
            },
        ) in self.sections.iter().enumerate()
        {
            let mark = if *broken == 0 {
                self.styled(Style::Good, "✓")
            } else {
                self.styled(Style::Bad, "✗")
            };
            let number = number + 1;
            let total = held + broken;
            self.line(&format!(
                "  {mark} {number:>2}. {title:<widest$}   {held:>2} of {total:>2}"
            ));
        }
        self.line("");
        let all_held = broken == 0 && held > 0;
        self.line(&if all_held {
            self.styled(Style::Good, &format!("All {held} promises held."))
        } else {
            self.styled(
                Style::Bad,
                &format!("{broken} of {} promises were broken.", held + broken),
            )
        });
        all_held
    }

    fn wrapped(&self, first: &str, rest: &str, text: &str, style: Style) {
        for (number, line) in wrap(text, WIDTH - rest.len()).into_iter().enumerate() {
            let indent = if number == 0 { first } else { rest };
            self.line(&format!("{indent}{}", self.styled(style, &line)));
        }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            _ if !self.colour => return text.to_owned(),
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    #[allow(clippy::unused_self, reason = "all output goes through here")]
    fn line(&self, line: &str) {
        // A reader who has left (`| head`) changes neither the checks nor the exit code.
        let _ = writeln!(io::stdout(), "{line}");
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ..", &text[..end]),
        None => text,
    }
}

/// Breaks `text` into lines of at most `width` characters, at spaces where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        // Answers come from a server: nothing in them steers the terminal.
        let mut word: Vec<char> = word
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char })
            .collect();
        if length > 0 && length + 1 + word.len() > width {
            lines.push(String::new());
            length = 0;
        }
        if length > 0 {
            word.insert(0, ' ');
        }
        for char in word {
            if length == width {
                lines.push(String::new());
                length = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(char);
                length += 1;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("a\x1b[31mb", 20), ["a [31mb"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
