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
