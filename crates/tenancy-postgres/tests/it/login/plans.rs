//! Making and taking logins.

use secrecy::ExposeSecret as _;
use tenancy_postgres::Error;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::Expectations;
use tenancy_postgres::wall::SharedTable;
use tenancy_testkit::postgres::{Server, majors};
use tokio_postgres::Client;

use super::{TABLES, Town, in_every_town, password, tenant};
use crate::support::{World, column, refused, run, text};
use crate::verify::look;

const KIND: TenantKind = TenantKind::Text;

#[tokio::test]
async fn every_plan_may_run_twice() {
    in_every_town(async |town| {
        let (admin, roles) = (&town.world.admin, &town.world.roles);
        run(admin, town.logins.install(roles).unwrap()).await;
        for (table, kind, ids) in TABLES {
            run(admin, town.wall(table, kind).plan(roles)).await;
            let create = town.logins.create_login(kind, &tenant(ids[0]), &password());
            run(admin, create.unwrap()).await;
        }
        let expectations = Expectations::for_logins(roles, &town.logins);
        assert_eq!(look(admin, &expectations).await, []);
        for _ in 0..2 {
            run(
                admin,
                town.logins.drop_login(KIND, &tenant("acme")).unwrap(),
            )
            .await;
        }
        let login = town.login(KIND, "acme");
        assert_eq!(
            town.enter(&login).await.unwrap_err().code().unwrap().code(),
            "28P01"
        );
        let left = format!("SELECT count(*) FROM tenancy.runtime_role WHERE role_name = '{login}'");
        assert_eq!(text(admin, &left).await.unwrap(), "0");
        assert_eq!(look(admin, &expectations).await, []);
    })
    .await;
}

#[tokio::test]
async fn no_password_is_in_a_text_and_none_breaks_out_of_it() {
    in_every_town(async |town| {
        let admin = &town.world.admin;
        let hostile = "'; DROP TABLE notes; -- \\' $do$ \u{e9}";
        let plan = town
            .logins
            .create_login(KIND, &tenant("acme"), &hostile.to_owned().into())
            .unwrap();
        for step in plan.steps() {
            assert!(!step.sql().contains("DROP TABLE"));
            assert!(!format!("{step:?}").contains("SCRAM-SHA-256"));
        }
        admin
            .batch_execute("SET standard_conforming_strings = off; SET backslash_quote = on")
            .await
            .unwrap();
        run(admin, plan).await;
        let mut config: tokio_postgres::Config = town.world.database.runtime_url().parse().unwrap();
        config.user(town.login(KIND, "acme")).password(hostile);
        let _ = config.connect(tokio_postgres::NoTls).await.unwrap();
        run(
            admin,
            town.logins
                .set_password(KIND, &tenant("acme"), &password())
                .unwrap(),
        )
        .await;
        let client = town.connect(KIND, "acme").await;
        assert_eq!(
            text(&client, "SELECT count(*) FROM notes").await.unwrap(),
            "2"
        );
        for bad in ["", "a\0b"] {
            let refused = town
                .logins
                .create_login(KIND, &tenant("acme"), &bad.to_owned().into());
            assert_eq!(refused.unwrap_err(), Error::Password);
        }
        assert!(!password().expose_secret().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_somebody_elses_is_never_taken_over() {
    in_every_town(async |town| {
        let admin = &town.world.admin;
        let login = town.login(KIND, "gamma");
        admin
            .batch_execute(&format!("CREATE ROLE {login} LOGIN SUPERUSER"))
            .await
            .unwrap();
        for plan in [
            town.logins
                .create_login(KIND, &tenant("gamma"), &password()),
            town.logins
                .set_password(KIND, &tenant("gamma"), &password()),
            town.logins.drop_login(KIND, &tenant("gamma")),
        ] {
            let plan = plan.unwrap();
            assert_eq!(refused(admin, plan.steps()[0].sql()).await, "TN010");
        }
    })
    .await;
}

/// What is still connected when its login goes gets errors: no row, and no other's.
#[tokio::test]
async fn a_dropped_logins_session_reads_and_writes_nothing() {
    in_every_town(async |town| {
        let client = town.connect(KIND, "acme").await;
        client
            .batch_execute("PREPARE p AS SELECT title FROM notes; EXECUTE p")
            .await
            .unwrap();
        run(
            &town.world.admin,
            town.logins.drop_login(KIND, &tenant("acme")).unwrap(),
        )
        .await;
        for sql in [
            "EXECUTE p",
            "SELECT title FROM notes",
            "INSERT INTO notes (id) VALUES (9)",
            "SELECT session_user",
        ] {
            assert!(client.simple_query(sql).await.is_err(), "{sql}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_server_keeps_the_limit_of_connections() {
    in_every_town(async |town| {
        let logins = town.logins.clone().connection_limit(1);
        run(
            &town.world.admin,
            logins
                .create_login(KIND, &tenant("acme"), &password())
                .unwrap(),
        )
        .await;
        let login = town.login(KIND, "acme");
        let _first = town.enter(&login).await.unwrap();
        assert_eq!(
            town.enter(&login).await.unwrap_err().code().unwrap().code(),
            "53300"
        );
    })
    .await;
}

#[tokio::test]
async fn a_shared_table_is_shared_with_the_logins_too() {
    in_every_town(async |town| {
        let (admin, roles) = (&town.world.admin, &town.world.roles);
        admin.batch_execute("CREATE TABLE countries (code text PRIMARY KEY); INSERT INTO countries VALUES ('at')").await.unwrap();
        let shared = SharedTable::read_only("countries".parse().unwrap()).unwrap().for_logins(&town.logins);
        run(admin, shared.plan(roles)).await;
        let client = town.connect(KIND, "acme").await;
        assert_eq!(column(&client, "SELECT code FROM countries").await.unwrap(), [Some("at".to_owned())]);
        assert_eq!(refused(&client, "DELETE FROM countries").await, "42501");
        assert_eq!(look(admin, &Expectations::for_logins(roles, &town.logins)).await, []);
    })
    .await;
}

#[test]
fn roles_that_the_wall_would_take_for_tenants_are_refused() {
    let roles = |runtime: &str, central: &str| {
        Roles::new(
            runtime.parse().unwrap(),
            central.parse().unwrap(),
            "app_owner".parse().unwrap(),
        )
        .unwrap()
    };
    let logins = TenantLogins::new("tenants".parse().unwrap(), "tn_").unwrap();
    assert!(logins.install(&roles("app", "app_central")).is_ok());
    for refused in [
        roles("tn_app", "app_central"),
        roles("app", "tn_central"),
        roles("tenants", "app_central"),
    ] {
        assert!(matches!(
            logins.install(&refused),
            Err(Error::Logins { .. })
        ));
    }
}

/// A managed service's administrator: creates roles, owns the database, is no superuser.
#[tokio::test]
async fn an_administrator_without_superuser_gets_walls_without_holes() {
    for major in majors() {
        // Who belongs to tenancy_owner shows in every database of a server.
        let server = Server::start(major).await.unwrap();
        let town = Town::of(World::on(&server).await);
        let superuser = &town.world.admin;
        let name = Identifier::new(&format!("{}_admin", town.world.database.name())).unwrap();
        let (admin, database) = (name.quoted(), town.world.database.name());
        superuser
            .batch_execute(&format!(
                "CREATE ROLE {admin} LOGIN CREATEROLE PASSWORD 'p'; ALTER DATABASE {database} OWNER TO {admin}; \
                 ALTER SCHEMA public OWNER TO {admin}; CREATE TABLE notes (tenant_id text, id bigint, PRIMARY KEY (tenant_id, id)); \
                 ALTER TABLE notes OWNER TO {admin}"
            ))
            .await
            .unwrap();
        // On 16 and later who administers a role that others made must be told so.
        for role in [
            town.world.roles.runtime(),
            town.world.roles.central(),
            town.world.roles.table_owner(),
        ] {
            superuser
                .batch_execute(&format!(
                    "GRANT {} TO {admin} WITH ADMIN OPTION",
                    role.quoted()
                ))
                .await
                .unwrap();
        }
        superuser.batch_execute("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenancy_owner') THEN CREATE ROLE tenancy_owner; END IF; END $$").await.unwrap();
        superuser
            .batch_execute(&format!("GRANT tenancy_owner TO {admin}"))
            .await
            .unwrap();
        let client = town
            .world
            .database
            .connect(&town.world.database.url_for(name.as_str(), "p"))
            .await
            .unwrap();
        let roles = &town.world.roles;
        try_run(&client, Install::without_key(roles.clone()).plan()).await;
        superuser
            .batch_execute(&format!("GRANT tenancy_owner TO {admin}"))
            .await
            .unwrap();
        try_run(&client, town.logins.install(roles).unwrap()).await;
        try_run(&client, town.wall("notes", KIND).plan(roles)).await;
        for id in ["acme", "beta"] {
            try_run(
                &client,
                town.logins
                    .create_login(KIND, &tenant(id), &password())
                    .unwrap(),
            )
            .await;
        }
        let findings = look(&client, &Expectations::for_logins(roles, &town.logins)).await;
        assert!(
            !findings
                .iter()
                .any(tenancy_postgres::verify::Finding::is_hole),
            "{findings:#?}"
        );
        let acme = town.connect(KIND, "acme").await;
        acme.batch_execute("INSERT INTO notes (id) VALUES (1)")
            .await
            .unwrap();
        let beta = town.connect(KIND, "beta").await;
        assert_eq!(
            text(&beta, "SELECT count(*) FROM notes").await.unwrap(),
            "0"
        );
        try_run(
            &client,
            town.logins.drop_login(KIND, &tenant("acme")).unwrap(),
        )
        .await;
        superuser
            .batch_execute(&format!(
                "REVOKE tenancy_owner FROM {admin}; REASSIGN OWNED BY {admin} TO CURRENT_USER"
            ))
            .await
            .unwrap();
    }
}

/// Optional steps may be refused; no other may.
async fn try_run(client: &Client, plan: tenancy_postgres::plan::Plan) {
    for step in plan {
        if let Err(error) = client.batch_execute(step.sql()).await {
            assert!(step.is_optional(), "step {:?}: {error:?}", step.name());
        }
    }
}
