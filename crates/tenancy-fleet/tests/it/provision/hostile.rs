//! Names, keys and grants that would lead elsewhere.

use secrecy::SecretString;
use tenancy_core::{Placement, Strategy, TenantId};
use tenancy_fleet::Fleet;
use tenancy_fleet::provision::{Confirmed, ProvisionError};
use tenancy_fleet::registry::{NewTenant, Registry, RegistryError};
use tenancy_fleet::site::{MysqlSite, PostgresSite, Site, SiteError, SqliteSite};

use super::ground::{Ground, Kind, visible};
use super::on_every_site;
use crate::registry::{ada, id};

on_every_site!(
    names_that_look_alike_stay_apart,
    without_keys_nothing_is_made,
    recorded_names_lead_nowhere,
    the_longest_ids_are_made_or_refused,
);

async fn names_that_look_alike_stay_apart(ground: Ground) {
    // In MariaDB's grants `_` stands for any character, so `a_b` would open `axb`.
    let pairs = [("a_b", "axb"), ("a-b", "a_b"), ("1", "11")];
    for (own, other) in pairs {
        for tenant in [id(own), id(other)] {
            if ground.registry.get(&tenant).await.unwrap().is_none() {
                ground.fleet.onboard(&tenant, &ada()).await.unwrap();
                ground.furnish(&tenant, &format!("of {tenant}")).await;
            }
        }
        if ground.is_sqlite() {
            continue;
        }
        for (own, other) in [(id(own), id(other)), (id(other), id(own))] {
            let mut login = ground.login(&own, &own).await.unwrap();
            assert_eq!(
                login.texts("SELECT title FROM notes").await,
                format!("of {own}\n")
            );
            if let Ok(mut there) = ground.login(&own, &other).await {
                let read = there.try_run("SELECT title FROM notes").await;
                assert!(read.is_err(), "{own} reads {other}");
            }
        }
    }
    ground.clear().await;
}

async fn without_keys_nothing_is_made(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    let url = SecretString::from(ground.stage().url.as_str());
    let keyless = Registry::builder(url).connect().await.unwrap();
    let fleet = Fleet::new(keyless, ground.fleet.sites().clone());
    let refused = fleet.onboard(&id("acme"), &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Registry(RegistryError::NoKeyring));
    assert_eq!(ground.things(&id("acme")).await, 0);
    ground.clear().await;
}

async fn recorded_names_lead_nowhere(ground: Ground) {
    let before = others(&ground).await;
    let strategy = match ground.kind {
        Kind::Schemas => Strategy::SchemaPerTenant,
        _ => Strategy::DatabasePerTenant,
    };
    let hostile = [
        "x\"; DROP SCHEMA public CASCADE; --",
        "x`; DROP DATABASE mysql; --",
        "x'@'%' IDENTIFIED BY 'y",
        "../../outside",
        "..",
        "a\\b",
        "$1?",
        "two\nlines",
        "postgres",
        "template1",
        "mysql",
        "information_schema",
        "public",
        "tenancy",
        "pg_catalog",
        "root",
        "mariadb.sys",
        "administrator",
    ];
    for (number, name) in hostile.into_iter().enumerate() {
        let tenant = id(&format!("t{number}"));
        let login = format!("{}t{number}", ground.prefix);
        let places = match ground.kind {
            // Logins are the whole server's, and so of the test with databases.
            Kind::Schemas => vec![Placement::schema(name).with_credential(&login)],
            _ => vec![
                Placement::database(name).with_credential(&login),
                Placement::database(&login).with_credential(name),
            ],
        };
        for (which, place) in places.into_iter().enumerate() {
            let tenant = id(&format!("{tenant}-{which}"));
            let new = NewTenant::new(tenant.clone(), strategy).placement(place);
            // Some are refused where they are to be recorded.
            if ground.registry.create(new, &ada()).await.is_err() {
                continue;
            }
            let made = ground.fleet.provision(&tenant, &ada()).await;
            if let Err(error) = &made {
                // Some of them are words of every error.
                let words = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
                assert!(words || !error.to_string().contains(name), "{error}");
            } else {
                // A strange name that is only a name: it is made, and removed as well. MariaDB's
                // statements are text, so there only plain ones are taken.
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let quoted = matches!(ground.kind, Kind::Databases | Kind::Schemas);
                assert!(quoted || name.bytes().all(plain), "{name}");
            }
            let confirmed = Confirmed::new(&tenant, tenant.as_str()).unwrap();
            let _ = ground.fleet.offboard(&tenant, &confirmed, &ada()).await;
        }
    }
    if ground.is_sqlite() {
        assert!(visible(&ground.folder()).is_empty());
    } else {
        assert_eq!(others(&ground).await, before);
    }
}

/// The things on the server that no test makes.
async fn others(ground: &Ground) -> String {
    let sql = match ground.kind {
        Kind::Sqlite(_) => return String::new(),
        Kind::Mariadb => {
            "SELECT CONCAT(User, '@', Host) AS name FROM mysql.user WHERE User NOT LIKE 't\\_%' \
             UNION SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT LIKE 't\\_%' ORDER BY 1"
        }
        Kind::Databases => {
            "SELECT datname::text FROM pg_database WHERE datname NOT LIKE 't\\_%' ORDER BY 1"
        }
        Kind::Schemas => {
            "SELECT nspname::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_t%' ORDER BY 1"
        }
    };
    ground.admin().await.texts(sql).await
}

async fn the_longest_ids_are_made_or_refused(ground: Ground) {
    let longest = TenantId::new("x".repeat(TenantId::MAX_LEN)).unwrap();
    match ground.fleet.onboard(&longest, &ada()).await {
        Ok(_) => assert!(ground.is_sqlite()),
        Err(error) => {
            assert!(
                matches!(error, ProvisionError::Site(SiteError::Name { .. })),
                "{error}"
            );
            // Refused before anything was recorded.
            assert!(ground.registry.get(&longest).await.unwrap().is_none());
        }
    }
    ground.clear().await;
}

#[test]
fn what_is_no_site_is_refused_and_shows_nothing() {
    for url in [
        "",
        "postgres://",
        "postgres://u:hunter2@h/",
        "mysql://u:hunter2@h/d",
        "http://u:hunter2@h/d",
        "postgres://u:hunter2@h:notaport/d",
    ] {
        let refused = PostgresSite::new(url).unwrap_err();
        assert!(
            !format!("{refused} {refused:?}").contains("hunter2"),
            "{url}"
        );
    }
    assert!(MysqlSite::new("postgres://u:hunter2@h/d").is_err());
    let site = MysqlSite::new("mysql://u:hunter2@h/d").unwrap();
    assert!(site.clone().login_host("a'b").is_err());
    assert!(!format!("{site:?}").contains("hunter2"));
    let site = Site::from(PostgresSite::new("postgres://u:hunter2@h/d").unwrap());
    assert!(!format!("{site:?}").contains("hunter2"));
    for (strategy, prefix) in [
        (Strategy::RowLevel, "x_"),
        (Strategy::DatabasePerTenant, "X_"),
        (Strategy::DatabasePerTenant, "a'b"),
    ] {
        let site = site.clone().strategy(strategy).database_prefix(prefix);
        assert!(site.placement(&id("acme")).is_err(), "{prefix}");
    }
    // The base database's own name, and the server's.
    for (prefix, tenant) in [("", "d"), ("", "postgres"), ("template", "1"), ("pg_", "x")] {
        let site = site.clone().database_prefix(prefix);
        assert!(site.placement(&id(tenant)).is_err(), "{prefix}{tenant}");
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Site::from(SqliteSite::new(folder.path().join("t")).unwrap());
    assert!(
        site.strategy(Strategy::SchemaPerTenant)
            .placement(&id("acme"))
            .is_err()
    );
}
