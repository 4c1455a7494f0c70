//! Two logins are never one tenant: whoever is not the one spelling is nobody.

use tenancy_postgres::Error;
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::seal::TenantKind;

use super::{TABLES, in_every_town, tenant};
use crate::support::{column, refused};

/// Spellings beside the tenants of [`TABLES`].
const SPELLINGS: [(&str, &[&str]); 3] = [
    (
        "notes",
        &[
            "Acme",
            "ACME",
            "-acme",
            "acme-",
            "acme_",
            "",
            "acme ",
            "a.cme",
            "acm\u{e9}",
            "acme\nacme",
        ],
    ),
    (
        "papers",
        &[
            "6F1C2F0E-0000-4000-8000-00000000000A",
            "6f1c2f0e-0000-4000-8000-00000000000A",
            "6f1c2f0e00004000800000000000000a",
            "6f1c-2f0e0000-4000-8000-00000000000a",
            "{6f1c2f0e-0000-4000-8000-00000000000a}",
            "6f1c-2f0e-0000-4000-8000-0000-0000-000a",
            "6f1c2f0e-0000-4000-8000-00000000000a\n",
            "6f1c2f0e-0000-4000-8000-0000-000000a",
            "",
        ],
    ),
    (
        "tickets",
        &[
            "01000",
            "+1000",
            " 1000",
            "1000 ",
            "1_000",
            "0x3e8",
            "0X3E8",
            "0b1111101000",
            "-1000",
            "1000.0",
            "1e3",
            "00",
            "",
            "9223372036854775808",
            "1000\n",
        ],
    ),
];

#[tokio::test]
async fn another_spelling_is_nobody() {
    in_every_town(async |town| {
        for (table, spellings) in SPELLINGS {
            for spelling in spellings {
                let client = town.stranger(spelling).await;
                // NULL, or no value of the type at all: never a row.
                if let Ok(rows) = column(&client, &format!("SELECT title FROM {table}")).await {
                    assert!(rows.is_empty(), "{table} {spelling:?}: {rows:?}");
                }
                for (_, _, ids) in TABLES.iter().filter(|(name, ..)| *name == table) {
                    for insert in [
                        format!("INSERT INTO {table} (id) VALUES (9)"),
                        format!(
                            "INSERT INTO {table} (tenant_id, id) VALUES ('{}', 9)",
                            ids[0]
                        ),
                    ] {
                        let code = refused(&client, &insert).await;
                        // Row security, no value of the type, or none in its range.
                        assert!(
                            ["42501", "22P02", "22003"].contains(&code.as_str()),
                            "{table} {spelling:?}: {code}"
                        );
                    }
                }
                drop(client);
                let name = format!("{}{spelling}", town.logins.prefix()).replace('"', "\"\"");
                town.world
                    .admin
                    .batch_execute(&format!("DROP ROLE \"{name}\""))
                    .await
                    .unwrap();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_longest_and_the_largest_are_themselves() {
    in_every_town(async |town| {
        let largest = i64::MAX.to_string();
        let text = "x".repeat(63 - town.logins.prefix().len());
        for (table, kind, id) in [
            ("tickets", TenantKind::Bigint, largest.as_str()),
            ("tickets", TenantKind::Bigint, "0"),
            ("notes", TenantKind::Text, text.as_str()),
            ("notes", TenantKind::Text, "a"),
            ("notes", TenantKind::Text, "a--_b"),
        ] {
            let client = town.stranger(id).await;
            assert_eq!(
                town.login(kind, id),
                format!("{}{id}", town.logins.prefix())
            );
            let sql =
                format!("INSERT INTO {table} (id) VALUES (1); SELECT tenant_id::text FROM {table}");
            assert_eq!(column(&client, &sql).await.unwrap(), [Some(id.to_owned())]);
        }
    })
    .await;
}

#[test]
fn names_are_checked_before_the_server_sees_them() {
    let group = || "app_tenants".parse().unwrap();
    for prefix in [
        "",
        "tn",
        "_x",
        "Tn_",
        "t n_",
        "tn-_",
        "seventeen_bytes__",
        "pg_",
        "pg_x_",
        "tenancy_",
        "app_",
    ] {
        assert!(
            matches!(
                TenantLogins::new(group(), prefix),
                Err(Error::Logins { .. })
            ),
            "{prefix:?}"
        );
    }
    assert!(matches!(
        TenantLogins::new("tenancy_owner".parse().unwrap(), "tn_"),
        Err(Error::Logins { .. })
    ));
    let logins = TenantLogins::new(group(), "sixteen_bytes_1_").unwrap();
    let long = tenant(&"x".repeat(48));
    assert_eq!(
        logins.login(TenantKind::Text, &long),
        Err(Error::LoginTooLong)
    );
    let fits = tenant(&"x".repeat(47));
    assert_eq!(
        logins
            .login(TenantKind::Text, &fits)
            .unwrap()
            .as_str()
            .len(),
        63
    );
    assert!(matches!(
        logins.login(TenantKind::Bigint, &tenant("01")),
        Err(Error::NotCanonical { .. })
    ));
    assert!(
        logins
            .login(TenantKind::Uuid, &tenant(TABLES[1].2[0]))
            .is_ok()
    );
}
