//! Every setting there is, by its name in `tenancy.toml`.

/// One setting. In the environment it is `TENANCY_`, its section, `_` and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    section: &'static str,
    key: &'static str,
}

macro_rules! settings {
    ($($constant:ident = $section:literal $key:literal),+ $(,)?) => {
        impl Setting {
            $(pub(crate) const $constant: Self = Self { section: $section, key: $key };)+
            pub(crate) const ALL: &'static [Self] = &[$(Self::$constant),+];
        }
    };
}

settings!(
    BASE_URL = "base" "url",
    BASE_MIGRATIONS = "base" "migrations",
    BASE_SEEDS = "base" "seeds",
    STRATEGY = "tenants" "strategy",
    DIRECTORY = "tenants" "directory",
    TENANTS_MIGRATIONS = "tenants" "migrations",
    TENANTS_SEEDS = "tenants" "seeds",
    TENANTS_URL = "tenants" "url",
    OWNER = "tenants" "owner",
    DATABASE_PREFIX = "tenants" "database_prefix",
    SCHEMA_PREFIX = "tenants" "schema_prefix",
    LOGIN_PREFIX = "tenants" "login_prefix",
    TEMPLATE = "tenants" "template",
    PENDING = "tenants" "pending",
    KEY_ENV = "secrets" "key_env",
    KEY_FILE = "secrets" "key_file",
    REGISTRY_PREFIX = "registry" "prefix",
    REGISTRY_SCHEMA = "registry" "schema",
    JOBS = "migrate" "jobs",
    LOCK_TIMEOUT = "migrate" "lock_timeout",
    STATEMENT_TIMEOUT = "migrate" "statement_timeout",
    RUN_KEY_ENV = "run" "key_env",
    RUN_EXPIRES = "run" "expires",
);

impl Setting {
    /// The setting `section.key`.
    pub(crate) fn named(section: &str, key: &str) -> Option<Self> {
        let found = Self::ALL
            .iter()
            .find(|own| own.section == section && own.key == key);
        found.copied()
    }

    pub(crate) fn is_section(section: &str) -> bool {
        Self::ALL.iter().any(|own| own.section == section)
    }

    /// `base.url`.
    pub(crate) fn name(self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// `TENANCY_BASE_URL`.
    pub(crate) fn variable(self) -> String {
        let name = format!("TENANCY_{}_{}", self.section, self.key);
        name.to_ascii_uppercase()
    }

    /// What to say to one who wrote `section.key` (or `section` alone), which is none.
    pub(crate) fn hint(section: &str, key: Option<&str>) -> String {
        const NEAR: f64 = 0.6;
        if matches!((section, key), ("secrets", Some("key" | "keys"))) {
            return "a key itself never stands here: name its environment variable with `key_env`, or its file with `key_file`".to_owned();
        }
        let near = |one: &str, other: &str| strsim::normalized_damerau_levenshtein(one, other);
        let candidates = Self::ALL.iter().map(|own| match key {
            Some(key) if own.key == key => (1.0, own.name()),
            // Both have a part in it: the section alone makes no hint.
            Some(key) => {
                let nearness = near(section, own.section).min(near(key, own.key));
                (nearness, own.name())
            }
            None => (near(section, own.section), format!("[{}]", own.section)),
        });
        let best = candidates.max_by(|one, other| one.0.total_cmp(&other.0));
        match best {
            Some((nearness, name)) if nearness >= NEAR => format!("did you mean `{name}`?"),
            _ => format!("there are {}", Self::list(section)),
        }
    }

    /// The keys of a section, or all sections where it is none.
    fn list(section: &str) -> String {
        let mut names: Vec<_> = if Self::is_section(section) {
            let own = Self::ALL.iter().filter(|own| own.section == section);
            own.map(|own| format!("`{}`", own.key)).collect()
        } else {
            Self::ALL
                .iter()
                .map(|own| format!("[{}]", own.section))
                .collect()
        };
        names.dedup();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Setting;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (section, key, hint) in [
            ("base", Some("ulr"), "`base.url`"),
            ("tenant", Some("strategy"), "`tenants.strategy`"),
            ("base", Some("directory"), "`tenants.directory`"),
            ("tenent", None, "`[tenants]`"),
            ("secrets", Some("key"), "`key_env`"),
            ("base", Some("zzz"), "`url`, `migrations`, `seeds`"),
            ("zzz", None, "[base], [tenants]"),
        ] {
            let said = Setting::hint(section, key);
            assert!(said.contains(hint), "{section} {key:?}: {said}");
        }
        assert_eq!(
            Setting::DATABASE_PREFIX.variable(),
            "TENANCY_TENANTS_DATABASE_PREFIX"
        );
    }
}
