//! A proof: what it opens, and that nothing but the sound one opens anything.

use tenancy_core::TenantId;
use tenancy_postgres::seal::{Binding, Challenge, ENTER, TenantKind};
use tokio_postgres::types::ToSql;

use crate::support::{key, leave, on_every_major, refused, text};

const COUNT: &str = "SELECT count(*) FROM notes";
const CURRENT: &str = "SELECT tenancy.current_tenant()";

#[tokio::test]
async fn a_proof_opens_its_tenant_and_no_other() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        assert_eq!(refused(&client, COUNT).await, "55000");
        world.enter(&client, "a").await;
        assert_eq!(text(&client, COUNT).await.unwrap(), "1");
        world.enter(&client, "b").await;
        assert_eq!(text(&client, COUNT).await.unwrap(), "2");
        assert_eq!(text(&client, CURRENT).await.unwrap(), "b");
        assert_eq!(
            text(
                &client,
                "INSERT INTO notes (id) VALUES (7) RETURNING tenant_id"
            )
            .await
            .unwrap(),
            "b"
        );
        assert_eq!(
            refused(&client, "INSERT INTO notes VALUES ('a', 8)").await,
            "42501"
        );
        assert_eq!(
            refused(&client, "UPDATE notes SET tenant_id = 'a'").await,
            "42501"
        );
        leave(&client).await;
        assert_eq!(refused(&client, COUNT).await, "TN001");
    })
    .await;
}

#[tokio::test]
async fn the_client_and_the_server_agree_on_every_id() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        let long: String = "abcdefghij-klmnopqrst_uvwxyz0123456789".repeat(2);
        // Every length, so that each number of pieces is read back.
        let mut ids: Vec<(String, TenantKind)> = (1..=63)
            .map(|length| {
                (
                    long[..length].trim_end_matches(['-', '_']).to_owned(),
                    TenantKind::Text,
                )
            })
            .collect();
        for uuid in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "80000000-0000-4000-8000-00000000000a",
        ] {
            ids.push((uuid.to_owned(), TenantKind::Uuid));
            ids.push((uuid.to_owned(), TenantKind::Text));
        }
        for number in ["0", "1", "42", "9223372036854775807"] {
            ids.push((number.to_owned(), TenantKind::Bigint));
            ids.push((number.to_owned(), TenantKind::Text));
        }
        for (id, kind) in ids {
            for binding in [Binding::Transaction, Binding::Session] {
                let tenant = TenantId::new(&id).unwrap();
                let proof = world
                    .key
                    .prove(&tenant, kind, binding, &leave(&client).await)
                    .unwrap();
                let (key, meta, pieces, mac) = proof.parameters();
                let mac = mac.as_slice();
                let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&key, &meta];
                parameters.extend(pieces.iter().map(|piece| piece as &(dyn ToSql + Sync)));
                parameters.push(&mac);
                client.batch_execute("BEGIN").await.unwrap();
                let row = client.query_one(ENTER, &parameters).await.unwrap();
                assert!(proof.is_answered_by(row.get(0)));
                assert_eq!(text(&client, CURRENT).await.unwrap(), id, "{kind}");
                let typed = match kind {
                    TenantKind::Text => "SELECT tenancy.current_tenant()",
                    TenantKind::Uuid => "SELECT tenancy.current_tenant_uuid()",
                    TenantKind::Bigint => "SELECT tenancy.current_tenant_bigint()",
                };
                assert_eq!(text(&client, typed).await.unwrap(), id);
                client.batch_execute("COMMIT").await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_serves_columns_of_another_type_only_in_its_one_spelling() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        let uuid = "80000000-0000-4000-8000-00000000000a";
        for (id, reader, expected) in [
            (uuid, "uuid", Ok(uuid)),
            ("80000000000040008000-00000000000a", "uuid", Err("TN003")),
            ("acme", "uuid", Err("TN003")),
            ("1000", "bigint", Ok("1000")),
            ("01000", "bigint", Err("TN003")),
            ("1_000", "bigint", Err("TN003")),
            ("0x1f", "bigint", Err("TN003")),
            ("1e2", "bigint", Err("TN003")),
            ("9223372036854775808", "bigint", Err("TN003")),
        ] {
            world.enter(&client, id).await;
            let sql = format!("SELECT tenancy.current_tenant_{reader}()");
            match expected {
                Ok(value) => assert_eq!(text(&client, &sql).await.unwrap(), value),
                Err(code) => assert_eq!(refused(&client, &sql).await, code, "{id}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn aliases_are_refused_before_and_behind_the_wire() {
    let challenge = Challenge::parse(&"0".repeat(32)).unwrap();
    for (id, kind) in [
        ("01000", TenantKind::Bigint),
        ("0x1f", TenantKind::Bigint),
        ("9223372036854775808", TenantKind::Bigint),
        ("80000000000040008000000000000000", TenantKind::Uuid),
        ("8000-0000-0000-4000-8000-0000-0000-0000", TenantKind::Uuid),
    ] {
        let id = TenantId::new(id).unwrap();
        assert!(
            key(1)
                .prove(&id, kind, Binding::Session, &challenge)
                .is_err()
        );
    }
    on_every_major(async |world| {
        // A holder of the key who skips the client's check: the server has its own.
        let client = world.runtime().await;
        for (meta, first) in [
            (256 + 64 + 2, i64::from_be_bytes(*b"A\0\0\0\0\0\0\0")), // length
            (256 + 64 + 1, i64::from_be_bytes(*b"A\0\0\0\0\0\0\0")), // upper case
            (256 + 64 + 2, i64::from_be_bytes(*b"a-\0\0\0\0\0\0")),
            (256 + 64 + 3, i64::from_be_bytes(*b"a\0b\0\0\0\0\0")),
            (256 + 64, 0),
            (256 + 200, -1),
            (256 + 199, 1),
            (256 + 143, 1),
            (512 + 200, 1),
            (200 - 256, 1),
        ] {
            let challenge = text(&client, "SELECT tenancy.leave()").await.unwrap();
            let sql = forged_with_the_key(&challenge, meta, first);
            assert_eq!(refused(&client, &sql).await, "TN003", "{meta} {first}");
            assert_eq!(refused(&client, COUNT).await, "TN001");
        }
        let challenge = text(&client, "SELECT tenancy.leave()").await.unwrap();
        let sound = forged_with_the_key(
            &challenge,
            256 + 65,
            i64::from_be_bytes(*b"a\0\0\0\0\0\0\0"),
        );
        client.batch_execute(&sound).await.unwrap();
        assert_eq!(text(&client, CURRENT).await.unwrap(), "a");
    })
    .await;
}

/// A call that the key signs, whatever it says. The server computes the HMAC.
fn forged_with_the_key(challenge: &str, meta: i32, first: i64) -> String {
    let header = (1_i64 << 32) | (1 << 16) | i64::from(meta);
    let pad = |byte: u8| {
        format!(
            "decode(repeat('{:02x}', 32) || repeat('{byte:02x}', 32), 'hex')",
            1 ^ byte
        )
    };
    let message = format!(
        "int8send({header}) || decode('{challenge}', 'hex') || int8send({first}) || decode(repeat('00', 56), 'hex')"
    );
    format!(
        "SELECT tenancy.enter(1, {meta}, {first}, 0, 0, 0, 0, 0, 0, 0, sha256({} || sha256({} || {message})))",
        pad(0x5c),
        pad(0x36)
    )
}

#[tokio::test]
async fn no_proof_works_twice_elsewhere_or_changed() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        let proof = world.prove(&client, "b", Binding::Session).await;
        let sql = proof.enter_sql();

        let other = world.runtime().await;
        leave(&other).await;
        assert_eq!(refused(&other, &sql).await, "TN002");

        client.batch_execute(&sql).await.unwrap();
        assert_eq!(refused(&client, &sql).await, "TN002");
        assert_eq!(refused(&client, COUNT).await, "TN001", "a refused enter leaves no scope open");

        let (key, meta, pieces, mac) = proof.parameters();
        let call = |key: i32, meta: i32, pieces: &[i64; 8], mac: &[u8]| {
            let pieces = pieces.map(|piece| format!("({piece})::int8")).join(", ");
            let mac = mac.iter().fold(String::new(), |mac, byte| mac + &format!("{byte:02x}"));
            format!("SELECT tenancy.enter({key}, {meta}, {pieces}, decode('{mac}', 'hex'))")
        };
        let fresh = world.prove(&client, "b", Binding::Session).await;
        let (_, _, _, fresh_mac) = fresh.parameters();
        for forged in [
            call(key, meta, pieces, mac), // of an older challenge
            call(key, meta, pieces, &[0; 32]),
            call(key, meta, pieces, &fresh_mac[..31]),
            call(key, meta, pieces, &[]),
            call(2, meta, pieces, fresh_mac),
            call(key, meta & 255, pieces, fresh_mac),
            call(key, meta, &[1, 0, 0, 0, 0, 0, 0, 0], fresh_mac),
            format!("SELECT tenancy.enter({key}, {meta}, 1, 0, 0, 0, 0, 0, 0, 0, NULL)"),
            "SELECT tenancy.enter(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)".to_owned(),
        ] {
            leave(&client).await;
            assert_eq!(refused(&client, &forged).await, "TN002", "{forged}");
            assert_eq!(refused(&client, COUNT).await, "TN001");
        }
        // The challenge is spent by the first try, also by one that fails.
        let proof = world.prove(&client, "b", Binding::Session).await;
        assert_eq!(refused(&client, &call(1, 0, &[0; 8], &[])).await, "TN002");
        assert_eq!(refused(&client, &proof.enter_sql()).await, "TN002");
    })
    .await;
}
