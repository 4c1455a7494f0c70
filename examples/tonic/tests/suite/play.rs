//! The program, and the cases that are played against it.

use std::time::Duration;

use tenancy_http_suite::program::Program;

use crate::client::{Connection, answered};
use crate::proto::Empty;

/// Makes a test of each case.
macro_rules! cases {
    ($($case:ident)+) => {$(
        #[test]
        fn $case() {
            crate::play::play(super::$case);
        }
    )+};
}
pub(crate) use cases;

/// Starts the program, and plays one case against it.
pub(crate) fn play(case: impl AsyncFnOnce(&Program)) {
    let program = Program::start(env!("CARGO_BIN_EXE_example-tonic"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        case(&program).await;
        // Whatever was done, nothing is left open.
        opened(&program, 0).await;
    });
}

/// Waits until this many calls wait to be let go.
pub(crate) async fn waiting(program: &Program, count: usize) {
    let mut outside = Connection::open(program).await.outside();
    let mut said = String::new();
    for _ in 0..1_000 {
        said = answered(outside.waiting(Empty {})).await.unwrap().text;
        if said == count.to_string() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} calls were to wait, and this many do: {said}");
}

/// Waits until this many scopes are open.
pub(crate) async fn opened(program: &Program, count: i64) {
    let mut diagnostics = Connection::open(program).await.diagnostics();
    let mut open = -1;
    for _ in 0..1_000 {
        open = answered(diagnostics.open_scopes(Empty {}))
            .await
            .unwrap()
            .count;
        if open == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} scopes were to be open, and this many are: {open}");
}
