//! Settings that are pinned when a connection is made.

/// Settings to send in the startup message's options, each as a name and a raw value.
///
/// `ALTER ROLE CURRENT_USER SET ..`, run once by injected SQL, gives every later connection its
/// value, and `RESET ALL` returns to it. What stands in the startup options wins over that, and
/// is what `RESET ALL` returns to. Time-outs and formats are left to the application; a role's
/// settings that are not expected are found by [`crate::verify`].
pub fn startup_options() -> &'static [(&'static str, &'static str)] {
    &[
        ("backslash_quote", "safe_encoding"),
        ("check_function_bodies", "on"),
        ("client_min_messages", "notice"),
        ("debug_print_parse", "off"),
        ("debug_print_plan", "off"),
        ("debug_print_rewritten", "off"),
        ("default_transaction_deferrable", "off"),
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", "off"),
        ("local_preload_libraries", ""),
        ("plan_cache_mode", "auto"),
        ("role", "none"),
        ("row_security", "on"),
        ("search_path", "\"$user\", public"),
        ("standard_conforming_strings", "on"),
        ("synchronous_commit", "on"),
        ("transform_null_equals", "off"),
    ]
}

/// Answers one text: the names of the settings that this session began with because its role or its
/// database has them for the role, or NULL. For [`unexpected`].
///
/// What the catalog shows is not what a session began with: SQL of one session can give the role a
/// setting, wait until another session has begun with it, and take it back before that one looks.
/// Ask where tenants share a login. What was pinned in the startup options, or set since, is not
/// among them; nor are settings with a dot in their name, which the server keeps to itself.
///
/// It takes half a millisecond, and some more on a session that has asked nothing yet.
pub const FROM_ROLE: &str = "SELECT pg_catalog.string_agg(s.name, ',' ORDER BY s.name COLLATE pg_catalog.\"C\") \
FROM pg_catalog.pg_settings AS s \
WHERE s.source OPERATOR(pg_catalog.=) ANY ('{user,database user}'::pg_catalog.text[])";

/// Which of the settings that [`FROM_ROLE`] answered are not among those that are expected, each
/// written as the catalog writes it (`statement_timeout=5s`).
///
/// ```
/// use tenancy_postgres::settings::unexpected;
///
/// let expected = ["statement_timeout=5s".to_owned()];
/// let names = unexpected(Some("gin_fuzzy_search_limit,statement_timeout"), &expected);
/// assert_eq!(names, ["gin_fuzzy_search_limit"]);
/// assert!(unexpected(None, &[]).is_empty());
/// ```
pub fn unexpected<'a>(answer: Option<&'a str>, expected: &[String]) -> Vec<&'a str> {
    let is_expected = |name: &str| {
        // A superuser gives this one, so that the sessions of a shared login don't read each other.
        name == "track_activities"
            || expected
                .iter()
                .any(|assignment| assignment.split('=').next() == Some(name))
    };
    answer
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty() && !is_expected(name))
        .collect()
}

/// Statements that set them again for one transaction, each with `; ` behind it, for a pooler that
/// lets no startup options reach the server. Not among them: what `BEGIN` names itself, and what acts
/// only when a server connection is opened. A statement for each costs less than half of one `SELECT` of
/// `set_config`.
pub(crate) fn transaction_pins() -> String {
    let mut sql = String::new();
    for (name, value) in startup_options() {
        // Names and values are our own: no quotes of one kind, no backslashes.
        match *name {
            "local_preload_libraries" => {}
            name if name.starts_with("default_transaction_") => {}
            // A list, which a literal would make one name.
            "search_path" => sql += &["SET LOCAL search_path = ", value, "; "].concat(),
            name => sql += &["SET LOCAL ", name, " = '", value, "'; "].concat(),
        }
    }
    sql
}
