//! The HTTP suite that every framework's example must pass.
//!
//! It is written once, over plain HTTP, and knows no framework: it starts the example's program,
//! asks as many callers would at once, and judges the answers. [`suite!`] makes a test of each of
//! its cases.
//!
//! # What a program must offer
//! Started with `--until-eof`, it prints `listening on http://ADDRESS`, and stops when its standard
//! input is closed. It serves the tenants `acme`, `globex` and `hooli`, knows `initech`, which is
//! suspended, and finds a tenant by its subdomain of `notes.localhost` and by `x-tenant-id`. Its
//! tokens are those of [`Caller`](client::Caller); its routes those of `examples/notes`.
//!
//! The suite does not measure time. What could hang is bounded, so that it is a failure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_errors_doc,
    missing_docs,
    reason = "this crate is tests: it panics on purpose, and its cases' names say what they are"
)]

pub mod books;
pub mod cases;
pub mod client;
pub mod envelopes;
pub mod ledger;
pub mod program;
pub mod stage;
pub mod tokens;

use program::Program;

/// Makes a test of each case, against the program at this path. Behind it stands what its framework
/// does with a handler whose client goes away, as [`Abandoned`](program::Abandoned) has it.
#[macro_export]
macro_rules! suite {
    ($program:expr, $abandoned:ident) => {
        $crate::suite!(@ $program, $abandoned,
            refusals {
                a_request_that_names_no_tenant
                identifiers_that_are_malformed
                identifiers_that_contradict
                unknown_suspended_and_forbidden_are_one_answer
                a_caller_without_a_token_is_nobodys_member
                refusals_are_the_same_text_in_every_framework
            }
            serving {
                each_tenant_has_its_own_notes
                a_streamed_list_reads_in_its_scope
                events_are_read_in_their_scope
                central_routes_are_the_administrators
                open_routes_have_no_scope
                a_forgotten_layer_is_an_internal_error
            }
            availability {
                members_are_told_of_a_maintenance
                outsiders_learn_of_neither
                a_read_only_tenant_is_read
                a_get_that_writes
                it_ends
                a_request_under_way_goes_on
            }
            lifetime {
                a_client_that_goes_away_in_mid_body
                a_client_that_goes_away_before_the_answer
                a_head_request
                a_panic
                an_error_of_the_handler
                an_error_of_a_middleware
                a_scope_that_was_kept
            }
            imports {
                a_good_list_is_there_when_it_is_answered
                a_bad_draft_takes_all_back
                one_connection_and_many_lists
                lists_of_one_tenant_wait_for_each_other
                lists_of_many_tenants_at_once
            }
            transactions {
                a_status_says_what_is_saved
                an_error_or_a_panic_saves_nothing
                a_transaction_ended_by_sql_is_not_saved
                a_second_handle_is_refused
                a_failure_that_was_swallowed
                a_handle_in_a_task_saves_nothing
                a_body_has_no_transaction
                a_client_that_goes_away_in_mid_transaction
                a_read_only_tenant_is_not_written
            }
            company {
                one_connection_changes_tenants_ten_thousand_times
                nothing_is_left_on_a_connection
                a_slow_tenant_beside_a_fast_one
                many_callers_at_once
            }
        );
    };
    (@ $program:expr, $abandoned:ident, $($part:ident { $($case:ident)+ })+) => {
        $(mod $part {
            $(#[test]
            fn $case() {
                let program = $crate::program::Program::start($program)
                    .with_abandoned($crate::program::Abandoned::$abandoned);
                $crate::play(&program, $crate::cases::$part::$case);
            })+
        })+
    };
}

/// Plays one case against a program.
///
/// # Panics
/// Where the case fails.
pub fn play(program: &Program, case: impl AsyncFnOnce(&Program)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        case(program).await;
        // Whatever was done, nothing is left open.
        program.all_closed().await;
    });
}
