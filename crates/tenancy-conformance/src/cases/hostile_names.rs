//! Names that an attacker would like enforcement to resolve: operators, functions, search paths,
//! and every setting that a session may change.

use tenancy_postgres::seal::Binding;

use crate::direct::Direct;
use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// The runtime role makes nothing, anywhere.
pub(super) async fn create(scene: &Scene<'_>) -> Verdict {
    for sql in [
        "CREATE SCHEMA mine",
        "CREATE TABLE conformance.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE tenancy.mine (id int)",
        "CREATE VIEW public.mine AS SELECT * FROM conformance.notes",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.textne)",
        "CREATE DOMAIN public.mine AS text",
        "CREATE TYPE public.mine AS (a int)",
        "CREATE MATERIALIZED VIEW public.mine AS SELECT 1",
        "CREATE SEQUENCE public.mine",
        "SELECT 1 AS a INTO public.mine",
        "CREATE PUBLICATION mine FOR ALL TABLES",
        "CREATE SUBSCRIPTION mine CONNECTION '' PUBLICATION mine WITH (connect = false)",
        "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION tenancy.leave()",
        "CREATE TRIGGER mine BEFORE INSERT ON conformance.notes FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE RULE mine AS ON SELECT TO conformance.comments DO INSTEAD SELECT * FROM conformance.notes",
        "CREATE STATISTICS mine ON tenant_id, id FROM conformance.notes",
        "CREATE INDEX mine ON conformance.notes (title)",
        "CREATE FOREIGN DATA WRAPPER mine",
    ] {
        let mut transaction = scene.begin(&scene.me).await?;
        transaction.refused(sql).await?;
        drop(transaction);
    }
    // Where tenants share a login, they would share these as well.
    if scene.tier().is_sealed() {
        for sql in ["SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')"] {
            let mut transaction = scene.begin(&scene.me).await?;
            transaction.refused(sql).await?;
            drop(transaction);
        }
    }
    Ok(())
}

/// No temporary object can stand in a real one's place.
pub(super) async fn temporary(scene: &Scene<'_>) -> Verdict {
    for sql in [
        "CREATE TEMPORARY TABLE notes (id bigint, title text)",
        "CREATE TEMPORARY TABLE notes AS SELECT * FROM conformance.notes",
        "SELECT * INTO TEMPORARY notes FROM conformance.notes",
        "CREATE TEMPORARY VIEW notes AS SELECT 1",
        "CREATE TEMPORARY SEQUENCE seal_mark",
    ] {
        let mut session = scene.acquire_again(&scene.me).await?;
        session.refused_as(sql, &["42501", "TN005"]).await?;
    }
    Ok(())
}

/// With hostile operators, functions, types and casts first in the path, a forged proof is still
/// no proof, and the tenant is still the tenant.
pub(super) async fn search_path(scene: &Scene<'_>) -> Verdict {
    scene.stage.administer(&hostile_schema()).await?;
    let verdict = under_hostile_path(scene).await;
    scene
        .stage
        .administer("DROP SCHEMA IF EXISTS conformance_hostile CASCADE")
        .await?;
    verdict
}

async fn under_hostile_path(scene: &Scene<'_>) -> Verdict {
    const PATH: &str = "SET search_path = conformance_hostile, pg_catalog, pg_temp";
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    let attacker = stage.attacker().await?;
    attacker.simple(PATH).await.map_err(Stop::failed)?;
    let fooled = attacker
        .value("SELECT 'a'::text = 'b'::text")
        .await
        .map_err(Stop::failed)?;
    ensure!(
        fooled.as_deref() == Some("t"),
        "the hostile operators are not in place, so nothing was tried"
    );
    attacker
        .enter(key, &scene.me.side.id, kind, Binding::Session)
        .await?;
    is_in_scope_of(&attacker, scene).await?;
    for mac in ["\\x", "\\x00", &format!("\\x{}", "00".repeat(32))] {
        attacker
            .enter(key, &scene.me.side.id, kind, Binding::Session)
            .await?;
        let challenge = attacker.leave().await?;
        let honest = key
            .prove(&scene.other.side.id, kind, Binding::Session, &challenge)
            .map_err(Stop::failed)?;
        let (key_id, meta, pieces, _) = honest.parameters();
        let pieces = pieces
            .map(|piece| format!("({piece})::pg_catalog.int8"))
            .join(", ");
        for meta in [meta, meta ^ 64, 0, 511] {
            let forged = format!("SELECT tenancy.enter({key_id}, {meta}, {pieces}, '{mac}')");
            ensure!(
                attacker.simple(&forged).await.is_err(),
                "a forged proof held under hostile operators"
            );
            let read = attacker.simple("SELECT * FROM conformance.notes").await;
            ensure!(
                read.is_err(),
                "a scope was open after a forged proof under hostile operators"
            );
            attacker.leave().await?;
        }
    }
    let mut session = scene.acquire(&scene.me).await?;
    session.rows(PATH).await?;
    let rows = session
        .rows("SELECT id, title FROM conformance.notes ORDER BY id")
        .await?;
    // Under this path `ORDER BY` sorts as it likes; what counts is whose rows they are.
    ensure!(
        rows.len() == 4,
        "{} rows of 4 under a hostile search path",
        rows.len()
    );
    Ok(())
}

/// `=` is always true, `<>` never; `||` forgets its right side; everything the functions might
/// call by a bare name answers what an attacker wants. Everyone may use it: a definer function
/// looks names up with its owner's rights.
pub(super) fn hostile_schema() -> String {
    use std::fmt::Write as _;
    let mut sql = String::from(
        "DROP SCHEMA IF EXISTS conformance_hostile CASCADE; CREATE SCHEMA conformance_hostile; \
         SET search_path = pg_catalog;",
    );
    for kind in ["text", "bytea", "bigint", "integer", "uuid"] {
        for (name, answer) in [("yes", "true"), ("no", "false")] {
            let _ = write!(
                sql,
                "CREATE FUNCTION conformance_hostile.{name}({kind}, {kind}) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT {answer}';"
            );
        }
        for (operator, function) in [
            ("=", "yes"),
            ("<>", "no"),
            ("<", "no"),
            (">", "no"),
            ("<=", "yes"),
            (">=", "yes"),
        ] {
            let _ = write!(
                sql,
                "CREATE OPERATOR conformance_hostile.{operator} (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = conformance_hostile.{function});"
            );
        }
    }
    for kind in ["text", "bytea"] {
        let _ = write!(sql, "CREATE FUNCTION conformance_hostile.forget({kind}, {kind}) RETURNS {kind} LANGUAGE sql IMMUTABLE AS 'SELECT $1';
             CREATE OPERATOR conformance_hostile.|| (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = conformance_hostile.forget);");
    }
    sql.push_str(
        "CREATE FUNCTION conformance_hostile.sha256(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS 'SELECT ''\\x''::bytea';
         CREATE FUNCTION conformance_hostile.currval(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE FUNCTION conformance_hostile.setval(regclass, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE FUNCTION conformance_hostile.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''epoch''::timestamptz';
         CREATE FUNCTION conformance_hostile.gen_random_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT ''00000000-0000-0000-0000-000000000000''::uuid';
         CREATE FUNCTION conformance_hostile.current_tenant() RETURNS text LANGUAGE sql AS 'SELECT ''nobody''';
         CREATE DOMAIN conformance_hostile.int8 AS pg_catalog.int8 CHECK (VALUE IS NULL);
         CREATE DOMAIN conformance_hostile.text AS pg_catalog.text CHECK (VALUE IS NULL);
         CREATE TABLE conformance_hostile.seal_key (key_id int, inner_block bytea, outer_block bytea);
         GRANT USAGE ON SCHEMA conformance_hostile TO PUBLIC;
         GRANT ALL ON ALL TABLES IN SCHEMA conformance_hostile TO PUBLIC;
         RESET search_path;",
    );
    sql
}

async fn is_in_scope_of(attacker: &Direct, scene: &Scene<'_>) -> Verdict {
    if scene.tier().is_sealed() {
        let tenant = attacker
            .value("SELECT tenancy.current_tenant()")
            .await
            .map_err(Stop::failed)?;
        ensure!(
            tenant.as_deref() == Some(scene.me.side.id.as_str()),
            "the current tenant is {tenant:?}"
        );
    }
    let rows = attacker
        .simple(&scene.written("SELECT * FROM conformance.notes"))
        .await
        .map_err(Stop::failed)?;
    let foreign = rows
        .iter()
        .flatten()
        .flatten()
        .any(|value| scene.other.side.owns(value));
    ensure!(
        !foreign && rows.len() == 4,
        "{} rows of 4, foreign: {foreign}",
        rows.len()
    );
    Ok(())
}

/// Every setting that the runtime role may change, at values that differ from its own: the scope
/// stays what it is.
pub(super) async fn every_setting(scene: &Scene<'_>) -> Verdict {
    let attacker = scene.inside(&scene.me).await?;
    let settings = attacker
        .simple(
            "SELECT name, vartype, COALESCE(array_to_string(enumvals, ','), ''), setting, min_val, max_val \
             FROM pg_settings WHERE context = 'user' AND name <> 'client_encoding' AND name NOT LIKE '%timeout' ORDER BY name",
        )
        .await
        .map_err(Stop::failed)?;
    let read = scene.written("SELECT * FROM conformance.notes");
    ensure!(
        settings.len() > 80,
        "only {} settings to try",
        settings.len()
    );
    for row in settings {
        let column = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let (name, kind, now) = (column(0), column(1), column(3));
        let values: Vec<String> = match kind.as_str() {
            "bool" => vec![if now == "on" { "off" } else { "on" }.to_owned()],
            "enum" => column(2)
                .split(',')
                .filter(|value| *value != now)
                .map(str::to_owned)
                .collect(),
            "integer" | "real" => vec![column(4), column(5)],
            _ => vec![String::new(), "conformance, pg_temp".to_owned()],
        };
        for value in values {
            // A value that is refused changes nothing.
            let set = format!("SELECT set_config('{name}', '{value}', false)");
            if attacker.simple(&set).await.is_err() {
                continue;
            }
            let read = attacker.simple(&read).await;
            if let Ok(rows) = read {
                let foreign = rows
                    .iter()
                    .flatten()
                    .flatten()
                    .any(|value| scene.other.side.owns(value));
                ensure!(
                    !foreign,
                    "the other tenant's row came back with {name} = '{value}'"
                );
                ensure!(
                    rows.len() == 4,
                    "{} rows of 4 with {name} = '{value}'",
                    rows.len()
                );
            }
            attacker
                .simple(&format!(
                    "ROLLBACK; SELECT set_config('{name}', '{}', false)",
                    now.replace('\'', "''")
                ))
                .await
                .map_err(|error| {
                    Stop::failed(format!("{name} could not be set back to '{now}': {error}"))
                })?;
        }
    }
    is_in_scope_of(&attacker, scene).await
}
