//! What this version installs into the schema `tenancy`, as lists: [`crate::install`] creates
//! them, and [`crate::verify`] compares the database with them.

/// The NOLOGIN role that owns everything in the schema `tenancy`.
pub(crate) const OWNER: &str = "tenancy_owner";

/// Sequences that carry the scope. UNLOGGED, so that nothing reaches the WAL; `currval` is the
/// session's own, so that no other session reads it.
pub(crate) const SEQUENCES: &[&str] = &[
    "seal_mark",
    "seal_last",
    "seal_moment",
    "seal_challenge_0",
    "seal_challenge_1",
    "seal_piece_0",
    "seal_piece_1",
    "seal_piece_2",
    "seal_piece_3",
    "seal_piece_4",
    "seal_piece_5",
    "seal_piece_6",
    "seal_piece_7",
];

/// The table of the keys. Nobody but its owner reads it.
pub(crate) const KEY_TABLE: &str = "seal_key";

/// The registry of placements, where one is installed.
pub(crate) const PLACEMENT_TABLE: &str = "placement";

/// Tables that everybody may read, so that the runtime role itself can verify.
pub(crate) const PUBLIC_TABLES: &[&str] = &["installed", "shared_table", "runtime_role"];

/// A function in the schema `tenancy`.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Names and types, for CREATE.
    pub(crate) parameters: &'static str,
    /// Types, as the catalog writes them.
    pub(crate) arguments: &'static str,
    pub(crate) returns: &'static str,
    pub(crate) body: &'static str,
    pub(crate) kind: FunctionKind,
}

/// Who may call a function, and how it may be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FunctionKind {
    /// Reads the scope: STABLE, so that it is evaluated once for each table of a statement;
    /// PARALLEL RESTRICTED, since a worker has no scope. Everybody may call it, and is told that
    /// there is none: the wall names no role.
    Reader,
    /// Changes the scope: the roles that serve tenants alone.
    Writer,
    /// Called by nobody: whoever may execute it may open scopes that outlive a transaction, which
    /// `enter` asks. The pooled role may not.
    SessionRight,
    /// Reads the session's login: IMMUTABLE, so that it is evaluated when a statement is planned.
    /// What that answers is compared with the login again whenever the plan runs.
    Login,
    /// Called by the server, with the rights of whoever runs the DDL.
    Trigger,
}

impl FunctionKind {
    /// Whether everybody may call it: the wall and the event trigger name no role.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::Reader | Self::Login | Self::Trigger)
    }
}

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "current_tenant",
        parameters: "",
        arguments: "",
        returns: "text",
        body: include_str!("sql/current_tenant.sql"),
        kind: FunctionKind::Reader,
    },
    Function {
        name: "current_tenant_uuid",
        parameters: "",
        arguments: "",
        returns: "uuid",
        body: include_str!("sql/current_tenant_uuid.sql"),
        kind: FunctionKind::Reader,
    },
    Function {
        name: "current_tenant_bigint",
        parameters: "",
        arguments: "",
        returns: "bigint",
        body: include_str!("sql/current_tenant_bigint.sql"),
        kind: FunctionKind::Reader,
    },
    Function {
        name: "leave",
        parameters: "",
        arguments: "",
        returns: "text",
        body: include_str!("sql/leave.sql"),
        kind: FunctionKind::Writer,
    },
    Function {
        name: "enter",
        parameters: "p_key integer, p_meta integer, p_0 bigint, p_1 bigint, p_2 bigint, p_3 bigint, p_4 bigint, p_5 bigint, p_6 bigint, p_7 bigint, p_mac bytea",
        arguments: "integer, integer, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bytea",
        returns: "text",
        body: include_str!("sql/enter.sql"),
        kind: FunctionKind::Writer,
    },
    Function {
        name: "scrub",
        parameters: "p_nonce text, p_acting name",
        arguments: "text, name",
        returns: "text",
        body: include_str!("sql/scrub.sql"),
        kind: FunctionKind::Writer,
    },
    Function {
        name: "stay",
        parameters: "p_nonce text, p_acting name",
        arguments: "text, name",
        returns: "text",
        body: include_str!("sql/stay.sql"),
        kind: FunctionKind::Writer,
    },
    Function {
        name: "session_bound",
        parameters: "",
        arguments: "",
        returns: "boolean",
        body: include_str!("sql/session_bound.sql"),
        kind: FunctionKind::SessionRight,
    },
    Function {
        name: "no_ddl",
        parameters: "",
        arguments: "",
        returns: "event_trigger",
        body: include_str!("sql/no_ddl.sql"),
        kind: FunctionKind::Trigger,
    },
];

/// Those that the walls of tenants' logins read. `{prefix}` and `{behind}` stand for the logins'
/// prefix and the place of the first character behind it.
pub(crate) const LOGIN_FUNCTIONS: &[Function] = &[
    Function {
        name: "login_name",
        parameters: "",
        arguments: "",
        returns: "name",
        body: include_str!("sql/login_name.sql"),
        kind: FunctionKind::Login,
    },
    Function {
        name: "login_tenant",
        parameters: "",
        arguments: "",
        returns: "text",
        body: include_str!("sql/login_tenant.sql"),
        kind: FunctionKind::Login,
    },
    Function {
        name: "login_tenant_uuid",
        parameters: "",
        arguments: "",
        returns: "uuid",
        body: include_str!("sql/login_tenant_uuid.sql"),
        kind: FunctionKind::Login,
    },
    Function {
        name: "login_tenant_bigint",
        parameters: "",
        arguments: "",
        returns: "bigint",
        body: include_str!("sql/login_tenant_bigint.sql"),
        kind: FunctionKind::Login,
    },
];

impl Function {
    /// The body, for logins with this prefix.
    pub(crate) fn body_for(&self, prefix: &str) -> String {
        self.body
            .replace("{prefix}", prefix)
            .replace("{behind}", &(prefix.len() + 1).to_string())
    }
}

/// The event trigger that keeps the runtime role from all DDL, `DROP OWNED` and
/// `ALTER DEFAULT PRIVILEGES` with it.
pub(crate) const EVENT_TRIGGER: &str = "tenancy_no_ddl";

/// Functions of the server by which one session of the runtime role reaches its neighbours:
/// reading their queries, ending them, or leaving them large objects.
pub(crate) const NEIGHBOUR_FUNCTIONS: &[&str] = &[
    "pg_stat_get_activity(integer)",
    "pg_stat_get_backend_activity(integer)",
    "pg_cancel_backend(integer)",
    "pg_terminate_backend(integer,bigint)",
    "currtid2(text,tid)",
    "lo_creat(integer)",
    "lo_create(oid)",
    "lo_from_bytea(oid,bytea)",
    "lo_put(oid,bigint,bytea)",
    "lowrite(integer,bytea)",
];

/// Functions of the server that reach its files or its configuration. Nobody but a superuser may
/// call them unless somebody granted it.
pub(crate) const SERVER_FUNCTIONS: &[&str] = &[
    "pg_read_file(text)",
    "pg_read_file(text,boolean)",
    "pg_read_file(text,bigint,bigint)",
    "pg_read_file(text,bigint,bigint,boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text,boolean)",
    "pg_read_binary_file(text,bigint,bigint)",
    "pg_read_binary_file(text,bigint,bigint,boolean)",
    "pg_stat_file(text)",
    "pg_stat_file(text,boolean)",
    "pg_ls_dir(text)",
    "pg_ls_dir(text,boolean,boolean)",
    "pg_ls_logdir()",
    "pg_ls_waldir()",
    "pg_ls_tmpdir()",
    "lo_import(text)",
    "lo_import(text,oid)",
    "lo_export(oid,text)",
    "pg_reload_conf()",
    "pg_rotate_logfile()",
    "pg_config()",
    "pg_hba_file_rules()",
    "pg_show_all_file_settings()",
    "pg_log_backend_memory_contexts(integer)",
];
