//! What a migration's name says that it does.

use std::fmt;
use std::str::FromStr;

use super::MakeError;

/// `a-z 0-9 _`, a letter first: safe in a file's name, and in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// With a version before it and an ending behind it, it is still a file's name.
    const MAX: usize = 150;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = MakeError;

    fn from_str(text: &str) -> Result<Self, MakeError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
        if starts && text.len() <= Self::MAX && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MakeError::Name)
        }
    }
}

/// What a migration is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    Create { table: String },
    Add { table: String, columns: Vec<String> },
    Remove { table: String, columns: Vec<String> },
    Unknown,
}

impl Intent {
    /// `create_x`, `add_y_to_x`, `remove_y_from_x` and `drop_y_from_x`, each with `_table` behind it
    /// or without, and several columns with `_and_` between. A column may have `to` or `from` in its
    /// name, for the last one parts them; a table may not.
    pub(crate) fn of(name: &Name) -> Result<Self, MakeError> {
        let name = name.as_str();
        let found = if let Some(table) = name.strip_prefix("create_") {
            self::table(table).map(|table| Self::Create { table })
        } else if let Some(rest) = name.strip_prefix("add_") {
            change(rest, "_to_").map(|(table, columns)| Self::Add { table, columns })
        } else {
            ["remove_", "drop_"]
                .iter()
                .find_map(|verb| change(name.strip_prefix(verb)?, "_from_"))
                .map(|(table, columns)| Self::Remove { table, columns })
        };
        let found = found.unwrap_or(Self::Unknown);
        found.check()?;
        Ok(found)
    }

    /// A longer name would be cut by one database and refused by another.
    fn check(&self) -> Result<(), MakeError> {
        const MAX: usize = 63;
        let (table, columns) = match self {
            Self::Create { table } => (table, &[][..]),
            Self::Add { table, columns } | Self::Remove { table, columns } => (table, &columns[..]),
            Self::Unknown => return Ok(()),
        };
        match std::iter::once(table)
            .chain(columns)
            .find(|name| name.len() > MAX)
        {
            Some(name) => Err(MakeError::TooLong(name.clone())),
            None => Ok(()),
        }
    }
}

/// A table's name, without the word itself behind it.
fn table(text: &str) -> Option<String> {
    let name = text.strip_suffix("_table").unwrap_or(text);
    (is_word(name) && name != "table").then(|| name.to_owned())
}

fn change(text: &str, between: &str) -> Option<(String, Vec<String>)> {
    let (columns, table) = text.rsplit_once(between)?;
    let columns: Vec<_> = columns.split("_and_").map(str::to_owned).collect();
    let twice = |at: usize| columns[..at].contains(&columns[at]);
    if !columns.iter().all(|column| is_word(column)) || (0..columns.len()).any(twice) {
        return None;
    }
    Some((self::table(table)?, columns))
}

/// Whether something is left of it that is a name by itself.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('_') && !text.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::{Intent, Name};

    fn intent(name: &str) -> Intent {
        Intent::of(&name.parse().unwrap()).unwrap()
    }

    fn create(table: &str) -> Intent {
        let table = table.to_owned();
        Intent::Create { table }
    }

    fn add(table: &str, columns: &[&str]) -> Intent {
        Intent::Add {
            table: table.to_owned(),
            columns: columns.iter().map(ToString::to_string).collect(),
        }
    }

    fn remove(table: &str, columns: &[&str]) -> Intent {
        Intent::Remove {
            table: table.to_owned(),
            columns: columns.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_name_says_what_it_does() {
        for (name, expected) in [
            ("create_notes", create("notes")),
            ("create_notes_table", create("notes")),
            ("create_user_accounts_table", create("user_accounts")),
            ("create_table_seats", create("table_seats")),
            ("create_table_table", Intent::Unknown),
            ("add_title_to_notes", add("notes", &["title"])),
            (
                "add_title_and_body_to_notes",
                add("notes", &["title", "body"]),
            ),
            (
                "add_first_name_to_user_accounts_table",
                add("user_accounts", &["first_name"]),
            ),
            ("add_reply_to_to_messages", add("messages", &["reply_to"])),
            ("add_valid_from_to_prices", add("prices", &["valid_from"])),
            ("add_a_and_b_and_c_to_x_table", add("x", &["a", "b", "c"])),
            ("add_brand_to_goods", add("goods", &["brand"])),
            ("add_and_to_words", add("words", &["and"])),
            ("remove_title_from_notes", remove("notes", &["title"])),
            ("drop_title_from_notes", remove("notes", &["title"])),
            (
                "remove_moved_from_from_user_accounts",
                remove("user_accounts", &["moved_from"]),
            ),
            (
                "remove_reply_to_and_cc_from_messages_table",
                remove("messages", &["reply_to", "cc"]),
            ),
        ] {
            assert_eq!(intent(name), expected, "{name}");
        }
        for unknown in [
            "create",
            "create_",
            "create_table",
            "create__table",
            "add_title",
            "add_to_notes",
            "add__to_notes",
            "add_title_to_",
            "add_title_to_table",
            "add_a_and_a_to_x",
            "add_a_and__to_x",
            "add_title_from_notes",
            "remove_title_to_notes",
            "remove_from_notes",
            "drop_notes",
            "recreate_notes",
            "backfill_titles",
        ] {
            assert_eq!(intent(unknown), Intent::Unknown, "{unknown}");
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        let long = "a".repeat(151);
        for name in [
            "", "_a", "1a", "A", "a-b", "a b", "a/b", "../a", "a.b", "a\\b", "a'b", "a\"b", "a;b",
            "a\nb", "a$1", "a?", "ä", "a\0", &long,
        ] {
            assert!(name.parse::<Name>().is_err(), "{name:?}");
        }
        let table: Name = format!("create_{}", "t".repeat(64)).parse().unwrap();
        assert!(Intent::of(&table).is_err());
        let column: Name = format!("add_{}_to_x", "c".repeat(64)).parse().unwrap();
        assert!(Intent::of(&column).is_err());
    }
}
