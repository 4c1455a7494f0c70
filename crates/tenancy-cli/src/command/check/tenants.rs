//! Where tenants are: who keeps them apart, what the server is, and what its administrator lacks.

use tenancy_core::Strategy;
use tenancy_fleet::Fleet;
use tenancy_fleet::registry::Registry;
use tenancy_fleet::site::{Finding, Weight};

use super::{Lines, State};
use crate::base::Context;
use crate::config::{Dialect, Setting, Side};

/// Whether tenants can be kept apart in this way, on this database, and by whom.
pub(super) fn strategy(context: &Context, lines: &mut Lines) {
    let config = &context.config;
    let Some(strategy) = lines.tried("strategy", config.strategy()) else {
        return;
    };
    // That it can't be known is said of the base database.
    let Ok(dialect) = config.dialect(Side::Tenants) else {
        return;
    };
    let (state, judgement) = match (dialect, strategy) {
        (Dialect::Postgres, Strategy::DatabasePerTenant) => (
            State::Ok,
            "enforced by the database: a login each, and CONNECT for nobody else",
        ),
        (Dialect::Postgres, Strategy::SchemaPerTenant) => (
            State::Ok,
            "enforced by the database: a login each, with USAGE on its own schema alone",
        ),
        (Dialect::Postgres, _) => (
            State::Ok,
            "enforced by the database: row security on the base's own tables, whose walls the pools look at before they serve",
        ),
        (Dialect::Sqlite, Strategy::DatabasePerTenant) => (
            State::Ok,
            "a file for each tenant, enforced on the connection: it can attach no other",
        ),
        (Dialect::Mysql, Strategy::DatabasePerTenant) => (
            State::Warn,
            "enforced by the database: a user each, with rights in its own; the fleet is managed here, and no adapter of this version serves it",
        ),
        (Dialect::Mysql | Dialect::Sqlite, Strategy::RowLevel) => (
            State::Warn,
            "planned: nothing in this version enforces it, so nothing keeps tenants apart there",
        ),
        (Dialect::Mysql | Dialect::Sqlite, _) => (
            State::Fail,
            "it has no schemas inside a database: take `database` as the strategy",
        ),
    };
    let message = format!("{strategy} on {}: {judgement}", dialect.as_str());
    lines.add("strategy", state, message);
}

/// The server or the folder, the way there, and the template. `reached` is the base database.
pub(super) async fn site(
    context: &Context,
    reached: bool,
    registry: Option<&Registry>,
    lines: &mut Lines,
) {
    let has_own = matches!(context.config.text(Setting::TENANTS_URL), Ok(Some(_)));
    if has_own && let Ok(Some(base)) = crate::site::of_base(&context.config) {
        add(lines, "base connection", &base.examine_way());
    }
    // Of a server that can't be reached it was said above; a folder is made with the first tenant,
    // and not by looking.
    if !(reached || has_own) || is_unmade_folder(context) {
        return;
    }
    let Some(site) = lines.tried("tenants' server", context.site(None)) else {
        return;
    };
    let Some(findings) = lines.tried("tenants' server", site.examine().await) else {
        return;
    };
    for finding in findings {
        add(lines, name_of(&finding), &finding);
    }
    if let Some(registry) = registry {
        template(context, Fleet::new(registry.clone(), site), lines).await;
    }
}

fn is_unmade_folder(context: &Context) -> bool {
    let config = &context.config;
    let folder = config.path_or(Setting::DIRECTORY, "tenants");
    matches!(config.dialect(Side::Tenants), Ok(Dialect::Sqlite))
        && folder.is_ok_and(|folder| !folder.exists())
}

#[cfg(feature = "postgres")]
async fn template(context: &Context, fleet: Fleet, lines: &mut Lines) {
    use tenancy_fleet::provision::Template;
    if !matches!(context.config.text(Setting::TEMPLATE), Ok(Some(_))) {
        return;
    }
    // What is wrong with the folders is said above.
    let Ok(fleet) = context.furnishing(fleet).await else {
        return;
    };
    let (state, message) = match lines.tried("template", fleet.template().await) {
        Some(Template::Current) => (State::Ok, "it has all migrations and seeds"),
        Some(Template::Missing) => (
            State::Fail,
            "it is not there, so no tenant can be made: run `prepare --template`",
        ),
        Some(_) => (
            State::Warn,
            "it has other migrations or seeds than there are now, so that each sign-up runs the rest: run `prepare --template`",
        ),
        None => return,
    };
    lines.add("template", state, message);
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async)] // with PostgreSQL it waits
async fn template(_: &Context, _: Fleet, _: &mut Lines) {}

fn name_of(finding: &Finding) -> &'static str {
    match finding.name {
        "connection" => "tenants' connection",
        "administrator" => "tenants' administrator",
        "owner" => "tables' owner",
        "folder" => "tenants' folder",
        _ => "tenants' server",
    }
}

fn add(lines: &mut Lines, name: &'static str, finding: &Finding) {
    let state = match finding.weight {
        Weight::Fine => State::Ok,
        Weight::Doubtful => State::Warn,
        _ => State::Fail,
    };
    lines.add(name, state, finding.message.clone());
}
