//! Whatever a name holds, it is one name to the server, and the same one.

use proptest::prelude::*;
use tenancy_postgres::ident::{Identifier, MAX_LEN, TableName};
use tenancy_testkit::postgres::{Server, majors};

#[test]
fn a_name_is_taken_as_it_is_or_refused() {
    proptest!(ProptestConfig::with_cases(20_000), |(name in "\\PC{0,70}|[\"'.;\\\\\0a-zA-Z -]{0,70}")| {
        let sound = !name.is_empty() && name.len() <= MAX_LEN && !name.contains('\0');
        match Identifier::new(&name) {
            Ok(identifier) => {
                prop_assert!(sound);
                prop_assert_eq!(identifier.as_str(), &name);
                let quoted = identifier.quoted();
                let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap();
                // No quote inside stands alone.
                prop_assert!(!inner.replace("\"\"", "").contains('"'));
                prop_assert_eq!(inner.replace("\"\"", "\""), name);
            }
            Err(_) => prop_assert!(!sound),
        }
    });
}

#[test]
fn a_tables_text_form_is_split_once() {
    proptest!(|(text in "[a-z.\"]{0,12}")| {
        if let Ok(table) = text.parse::<TableName>() {
            let dots = text.matches('.').count();
            prop_assert!(dots <= 1);
            prop_assert_eq!(table.to_string(), if dots == 0 { format!("public.{text}") } else { text });
        }
    });
}

#[tokio::test]
async fn the_server_reads_every_name_as_it_was_meant() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    for major in majors() {
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        let client = database.admin().await.unwrap();
        let mut runner = TestRunner::deterministic();
        let strategy = proptest::collection::vec("\\PC{1,20}|[\"'.;\\\\$a-zA-Z -]{1,63}", 100);
        for _ in 0..10 {
            let names = strategy.new_tree(&mut runner).unwrap().current();
            let names: Vec<_> = names
                .iter()
                .filter_map(|name| Identifier::new(name).ok())
                .collect();
            let columns: Vec<_> = names
                .iter()
                .map(|name| format!("1 AS {}", name.quoted()))
                .collect();
            let statement = client
                .prepare(&format!("SELECT {}", columns.join(", ")))
                .await
                .unwrap();
            let read: Vec<_> = statement
                .columns()
                .iter()
                .map(|column| column.name().to_owned())
                .collect();
            let meant: Vec<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
            assert_eq!(read, meant);
        }
    }
}
