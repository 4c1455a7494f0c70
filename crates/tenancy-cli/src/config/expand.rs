//! `${NAME}` in a value of `tenancy.toml`.

/// Why a value could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unexpanded {
    /// The variable is not set, or is not UTF-8.
    #[error("the environment variable {0} is not set, or is not UTF-8: set it")]
    Variable(String),
    /// A dollar that starts nothing.
    #[error(
        "a `$` stands for a variable, as in ${{NAME}} with letters, digits and _: write $$ where a dollar is meant"
    )]
    Dollar,
}

/// Puts variables in; `$$` is a dollar. What a variable holds is taken as it is.
pub(crate) fn expand(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, Unexpanded> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else {
            let braced = after.strip_prefix('{').ok_or(Unexpanded::Dollar)?;
            let (name, after) = braced.split_once('}').ok_or(Unexpanded::Dollar)?;
            if !is_name(name) {
                return Err(Unexpanded::Dollar);
            }
            let value = variable(name).ok_or_else(|| Unexpanded::Variable(name.to_owned()))?;
            expanded.push_str(&value);
            after
        };
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::{Unexpanded, expand};

    #[test]
    fn variables_are_put_in_once() {
        let variable = |name: &str| (name == "A").then(|| "${A}$$\"\\".to_owned());
        for (text, expanded) in [
            ("", ""),
            ("plain", "plain"),
            ("x${A}y", "x${A}$$\"\\y"),
            ("$$", "$"),
            ("$${A}", "${A}"),
            ("$$$$x", "$$x"),
        ] {
            assert_eq!(expand(text, variable).unwrap(), expanded, "{text}");
        }
        for text in ["$", "$A", "${A", "${}", "${A B}", "${1}", "${A:-x}", "a$"] {
            assert_eq!(expand(text, variable), Err(Unexpanded::Dollar), "{text}");
        }
        let unknown = expand("${B}", variable).unwrap_err();
        assert_eq!(unknown, Unexpanded::Variable("B".to_owned()));
    }
}
