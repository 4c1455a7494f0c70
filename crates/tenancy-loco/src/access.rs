//! What is said of an application's paths.

use std::collections::HashMap;

use tenancy_tower::Central;

/// What a route gives access to.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    Tenant,
    Central(Central),
    Open,
}

/// What was said of which paths; what is said of a longer one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    below: Vec<(String, Access)>,
}

/// Something is wrong with what was said of the routes: the application does not start.
///
/// It is the text of Loco's own error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undeclared {
    /// Nothing was said of these routes.
    #[error(
        "nothing was said of what these routes give access to: {}; say `.tenant(..)`, `.central(..)` or `.open(..)` of each in the TenancyInitializer", .routes.join(", ")
    )]
    Routes {
        /// Their paths, sorted.
        routes: Vec<String>,
    },
    /// The same path has two accesses.
    #[error("two things were said of what `{path}` gives access to: say one")]
    Twice {
        /// The path.
        path: String,
    },
}

impl Said {
    pub(crate) fn add(&mut self, path: &str, access: Access) {
        self.below.push((trimmed(path).to_owned(), access));
    }

    /// The access of every route, by the path that axum will say was matched.
    pub(crate) fn of_all(
        &self,
        routes: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, Access>, Undeclared> {
        for (at, (path, _)) in self.below.iter().enumerate() {
            if self.below.iter().take(at).any(|(other, _)| other == path) {
                let path = format!("/{}", path.trim_start_matches('/'));
                return Err(Undeclared::Twice { path });
            }
        }
        let (mut known, mut unknown) = (HashMap::new(), Vec::new());
        for route in routes {
            match self.of(&route) {
                Some(access) => drop(known.insert(route, access.clone())),
                None => unknown.push(route),
            }
        }
        if unknown.is_empty() {
            return Ok(known);
        }
        unknown.sort();
        unknown.dedup();
        Err(Undeclared::Routes { routes: unknown })
    }

    fn of(&self, route: &str) -> Option<&Access> {
        let below = |path: &str| {
            trimmed(route)
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let said = self.below.iter().filter(|(path, _)| below(path));
        let longest = said.max_by_key(|(path, _)| path.len());
        longest.map(|(_, access)| access)
    }
}

/// Without a slash at the end, so that `/` is before all others.
fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(all: &[(&str, Access)]) -> Said {
        let mut said = Said::default();
        for (path, access) in all {
            said.add(path, access.clone());
        }
        said
    }

    fn is_open(access: Option<&Access>) -> Option<bool> {
        access.map(|access| matches!(access, Access::Open))
    }

    #[test]
    fn the_longest_path_counts_and_ends_at_a_slash() {
        let said = said(&[
            ("/", Access::Open),
            ("/notes/", Access::Tenant),
            ("/notes/open", Access::Open),
        ]);
        for (route, open) in [
            ("/", true),
            ("/health", true),
            ("/notes", false),
            ("/notes/{id}", false),
            ("/notes/open", true),
            ("/notes/open/deep", true),
            ("/notes/opened", false),
            ("/notesbook", true),
        ] {
            assert_eq!(is_open(said.of(route)), Some(open), "{route}");
        }
    }

    #[test]
    fn a_path_that_nothing_was_said_of_is_told() {
        let said = said(&[("/notes", Access::Tenant)]);
        let routes = ["/notes", "/notes/{id}", "/b", "/a", "/a"].map(str::to_owned);
        let told = said.of_all(routes).unwrap_err();
        assert_eq!(
            told,
            Undeclared::Routes {
                routes: vec!["/a".into(), "/b".into()]
            }
        );
    }

    #[test]
    fn one_path_has_one_access() {
        let said = said(&[("/notes", Access::Tenant), ("/notes/", Access::Open)]);
        let told = said.of_all([]).unwrap_err();
        assert_eq!(
            told,
            Undeclared::Twice {
                path: "/notes".into()
            }
        );
    }
}
