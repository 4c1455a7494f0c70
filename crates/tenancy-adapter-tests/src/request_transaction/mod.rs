//! The transaction of a request: one for all who ask, saved or taken back as a whole, and nothing of
//! it left on its connection or in another tenant's sight.

mod ends;
mod refusals;
mod scene;
mod shares;

pub use ends::*;
pub use refusals::*;
pub use shares::*;

/// These tests for an [`Adapted`](crate::Adapted) adapter.
#[macro_export]
macro_rules! request_transaction_tests {
    ($adapter:ident) => {
        mod request_transaction {
            use super::*;
            $crate::request_transaction_tests! { @each $adapter;
                all_who_ask_share_one_and_nobody_else_sees_it;
                two_requests_at_once_each_have_their_own;
                a_read_only_request_only_reads;
                what_is_not_saved_is_gone_and_its_connection_clean;
                an_error_that_was_passed_over_is_not_saved;
                sql_that_ends_it_itself_is_found_out;
                a_deferred_constraint_keeps_it_from_being_saved;
                a_server_process_that_dies_takes_it_along;
                a_query_given_up_midway_leaves_nothing_to_the_next_tenant;
                a_panic_gives_it_up;
                a_handle_that_is_held_too_long_keeps_it_from_being_saved;
                it_is_refused_to_whoever_may_not_have_it;
                a_scope_that_ended_or_another_one_opens_none;
                one_that_could_not_be_begun_is_begun_by_the_next_who_asks;
            }
        }
    };
    (@each $adapter:ident; $($name:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::request_transaction::$name::<$adapter>().await;
        }
    )*};
}
