//! The login that enters for a transaction only.

use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::seal::Binding;
use tenancy_postgres::verify::{Code, Expectations, Severity};

use super::on_every_major;
use crate::support::{leave, refused, run, text};
use crate::verify::holes::plant;
use crate::verify::{look, planted};

const COUNT: &str = "SELECT count(*) FROM notes";

#[tokio::test]
async fn it_enters_for_a_transaction_and_not_for_a_session() {
    on_every_major(async |world| {
        let client = world
            .database
            .connect(&world.database.pooled_url())
            .await
            .unwrap();
        let proof = world.prove(&client, "a", Binding::Session).await;
        assert_eq!(refused(&client, &proof.enter_sql()).await, "TN006");
        assert_eq!(
            refused(&client, COUNT).await,
            "TN001",
            "nothing is open after it"
        );
        assert_eq!(refused(&client, &proof.enter_sql()).await, "TN006");
        let proof = world.prove(&client, "a", Binding::Transaction).await;
        assert_eq!(
            text(&client, &format!("BEGIN; {}; {COUNT}", proof.enter_sql()))
                .await
                .unwrap(),
            "1"
        );
        client.batch_execute("COMMIT").await.unwrap();
        assert_eq!(refused(&client, COUNT).await, "TN001");
        let granting = "GRANT EXECUTE ON FUNCTION tenancy.session_bound() TO CURRENT_USER";
        for (sql, code) in [
            ("SELECT tenancy.session_bound()", "42501"),
            ("DELETE FROM tenancy.runtime_role", "42501"),
            ("CREATE TABLE mine (id int)", "TN005"),
            (granting, "TN005"),
        ] {
            assert_eq!(refused(&client, sql).await, code, "{sql}");
        }

        let runtime = world.runtime().await;
        world.enter(&runtime, "a").await;
        assert_eq!(text(&runtime, COUNT).await.unwrap(), "1");
        leave(&runtime).await;
    })
    .await;
}

#[tokio::test]
async fn both_logins_are_sound_after_the_installation_and_after_another() {
    on_every_major(async |world| {
        run(
            &world.admin,
            Install::new(world.roles.clone(), world.key.clone()).plan(),
        )
        .await;
        let pooled = Expectations::for_pooled(&world.roles).unwrap();
        let runtime = Expectations::new(world.roles.clone());
        let client = world
            .database
            .connect(&world.database.pooled_url())
            .await
            .unwrap();
        for (client, expectations) in [
            (&world.admin, &pooled),
            (&client, &pooled),
            (&world.admin, &runtime),
        ] {
            let findings = look(client, expectations).await;
            assert!(findings.is_empty(), "{findings:#?}");
        }
        assert!(Expectations::for_pooled(&seen_as_runtime(&world.roles)).is_none());
    })
    .await;
}

/// What only this login may not have.
const OWN: &[planted::Hole] = &[
    (
        "a right to sessions",
        "GRANT EXECUTE ON FUNCTION tenancy.session_bound() TO {runtime}",
        Code::SealGrant,
        Severity::Hole,
    ),
    (
        "everybody's right to sessions",
        "GRANT EXECUTE ON FUNCTION tenancy.session_bound() TO PUBLIC",
        Code::SealGrant,
        Severity::Hole,
    ),
];

/// The pooled login is as harmless as the runtime role: every hole of that one is found on it, too.
#[tokio::test]
async fn each_planted_hole_is_found_on_it() {
    on_every_major(async |world| {
        let expectations = Expectations::for_pooled(&world.roles).unwrap();
        let mut missed = Vec::new();
        for (name, sql, code, severity) in planted::all().chain(OWN) {
            plant(
                world,
                &sql.replace("{runtime}", world.database.pooled_role()),
            )
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let findings = look(&world.admin, &expectations).await;
            if !findings
                .iter()
                .any(|f| (f.code, f.severity) == (*code, *severity))
            {
                missed.push((name, code, findings));
            }
            world.admin.batch_execute("ROLLBACK").await.unwrap();
        }
        assert!(missed.is_empty(), "missed: {missed:#?}");
    })
    .await;
}

#[test]
fn it_is_a_role_of_its_own() {
    let roles = || {
        Roles::new(
            "app".parse().unwrap(),
            "central".parse().unwrap(),
            "owner".parse().unwrap(),
        )
        .unwrap()
    };
    for taken in ["app", "central", "owner", "tenancy_owner"] {
        assert!(
            roles().with_pooled(taken.parse().unwrap()).is_err(),
            "{taken}"
        );
    }
    let roles = roles().with_pooled("app_pooled".parse().unwrap()).unwrap();
    assert_eq!(roles.pooled().unwrap().as_str(), "app_pooled");
}

fn seen_as_runtime(roles: &Roles) -> Roles {
    Roles::new(
        roles.pooled().unwrap().clone(),
        roles.central().clone(),
        roles.table_owner().clone(),
    )
    .unwrap()
}
