//! The cases: one list, with what each proves.

mod cancellation;
mod carrier;
mod concurrency;
mod copy;
mod forging;
mod hostile_names;
mod leftovers;
mod reads;
mod scopes;
mod seal;
mod tables;
mod takedown;
mod transactions;
mod writes;

use std::fmt;

use futures_util::future::BoxFuture;

use crate::scene::Scene;
use crate::verdict::Verdict;

/// One small attack, played in both directions.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) proves: &'static str,
    /// Whether the case itself writes as both tenants; if not, the other's rows must not change.
    pub(crate) changes_both: bool,
    pub(crate) play: for<'a> fn(&'a Scene<'a>) -> BoxFuture<'a, Verdict>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// `theme.case => what it proves`; `both` where the case writes as both tenants.
macro_rules! cases {
    ($($theme:ident.$case:ident => $proves:literal $(, $both:ident)?;)+) => {
        vec![$(Case {
            name: concat!(stringify!($theme), ".", stringify!($case)),
            proves: $proves,
            changes_both: cases!(@ $($both)?),
            play: |scene| Box::pin($theme::$case(scene)),
        }),+]
    };
    (@) => { false };
    (@ both) => { true };
}

/// The cases that play on any tables.
pub(crate) fn own_tables() -> Vec<Case> {
    cases! {
        tables.reads => "a scope reads and counts exactly its own rows";
        tables.changes => "no UPDATE, DELETE, TRUNCATE or row lock reaches a row by the other's name, and no row moves over";
        tables.inserts => "no row can be written for the other, and no key tells that one exists";
        tables.no_scope => "a connection of the runtime role without a scope gets nothing";
    }
}

/// Everything.
pub(crate) fn all() -> Vec<Case> {
    let mut all = cases! {
        reads.own_rows => "both protocols and all verbs read exactly the own rows";
        reads.by_key => "a key that both tenants have gives the own row, the other's name none";
        reads.aggregates => "counts, sums, extremes and groups are over the own rows";
        reads.pagination => "pages are pages of the own rows";
        reads.joins => "no join, set operation or sub-query reaches over";
        reads.shapes => "CTEs, windows, whole rows, exports, samples and cursors give own rows";
        reads.partitions => "a partitioned table is walled under its own name and its partitions'";
        reads.of_owner => "the table owner's views and definer functions see the scope's rows";
        reads.leaky_errors => "errors and side conditions tell nothing of the other's rows";
        reads.shared => "a declared shared table is read by both and written by none";
        reads.no_scope => "no scope, no data: after leave(), and on a connection that never entered";
        writes.default_tenant => "an insert needs no tenant id and gets its own";
        writes.insert_for_other => "an insert that names the other is refused whole";
        writes.all_rows => "UPDATE and DELETE without a condition reach the own rows";
        writes.move_over => "no row can be given to the other, and none taken";
        writes.by_join => "UPDATE .. FROM and DELETE .. USING reach own rows";
        writes.bulk => "bulk inserts get the own tenant, RETURNING the own rows";
        writes.upsert => "an upsert onto a key that the other has touches the own row or is refused";
        writes.merge => "MERGE reaches own rows in every branch";
        writes.truncate => "TRUNCATE is refused";
        writes.foreign_key => "foreign keys and their cascades stay inside a tenant";
        writes.row_locks => "locking all that can be seen locks none of the other's rows";
        copy.out => "COPY TO gives own rows";
        copy.refused => "COPY FROM, files and programs are refused";
        copy.half_read => "a COPY given up half-read shifts nobody's answers";
        transactions.endings => "a commit keeps; a rollback and a drop do not";
        transactions.savepoints => "a rolled-back savepoint gives no scope back";
        transactions.failed => "a failed transaction leaves nothing to trip over";
        transactions.bound => "a transaction's scope is dead after a raw COMMIT or ROLLBACK";
        transactions.commit_and_begin => "COMMIT and BEGIN in one message open nobody else's scope";
        transactions.left_open => "a transaction left open by hand is undone before the next scope";
        transactions.closure_ok => "the closure's verb commits";
        transactions.closure_err => "an error in the closure rolls back and comes out";
        transactions.closure_panic => "a panic in the closure rolls back, comes out, and costs no connection";
        transactions.panic => "a panic with a checkout in hand gives it back clean";
        concurrency.sessions => "interleaved scopes on one connection read their own rows", both;
        concurrency.transactions => "interleaved transactions on one connection write to their own tenant", both;
        forging.settings => "no setting forges the scope";
        forging.row_security => "row_security = off and its like open nothing";
        forging.roles => "no other role can be taken";
        forging.grants => "the runtime role can't raise itself";
        forging.aliases => "another spelling of an id is never the same tenant";
        forging.leaky_functions => "a function that tells what it sees is shown own rows alone";
        scopes.ended => "a ticket that outlived its scope opens nothing";
        scopes.mismatch => "one tenant's scope is refused inside another's";
        seal.replay => "a proof works once, on its own connection";
        seal.spent_for_good => "no savepoint, rollback or error gives a spent challenge back";
        seal.swap => "no part of a proof can be changed or swapped";
        seal.second_tenant => "a second tenant in one transaction is refused";
        seal.one_message => "two tenants in one message are refused";
        seal.transaction_bound => "a transaction-bound scope is dead in the next transaction";
        seal.discard => "SQL that discards or leaves ends its own scope, no more";
        seal.cancelled => "enter and leave, cancelled at any moment, leave no former tenant", both;
        carrier.sequences => "what carries the scope can be neither set nor read";
        carrier.shadowed => "no sequence of the same name takes its place";
        carrier.key_tables => "no table, statistic or function gives the key away";
        carrier.debug_output => "no debug output or plan prints the key";
        hostile_names.create => "the runtime role makes nothing, anywhere";
        hostile_names.temporary => "the runtime role makes nothing temporary";
        hostile_names.search_path => "hostile operators, functions and types first in the path fool nothing";
        hostile_names.every_setting => "no session setting changes whose rows are read";
        takedown.ddl => "no DDL opens the wall";
        takedown.drop_owned => "DROP OWNED BY CURRENT_USER takes no policy";
        takedown.default_privileges => "default privileges open nothing";
        takedown.catalogs => "neither catalogs nor statistics lead around the wall";
        takedown.neighbours => "a neighbour's query can be neither read nor ended";
        leftovers.settings => "no session setting is left for the next scope";
        leftovers.read_only => "a hostile read-only session is over with its scope";
        leftovers.role => "no role is left";
        leftovers.random_seed => "no random seed is left";
        leftovers.hold_cursors => "no held cursor is left";
        leftovers.listeners => "no LISTEN is left";
        leftovers.advisory_locks => "no advisory lock is left";
        leftovers.temporary => "no temporary object is left";
        leftovers.prepared_by_sql => "no statement that SQL prepared is left";
        leftovers.hijacked_statement => "the driver's cached statements can't be replaced";
        leftovers.deallocated => "statements taken from the driver answer for no other";
        leftovers.hijacked_enter => "a replaced `enter` collects no proof";
        leftovers.prepared_transactions => "no prepared transaction is left";
        leftovers.role_settings => "ALTER ROLE .. SET gives later connections nothing";
        cancellation.acquire => "a checkout dropped at any await harms no other scope, and loses no write", both;
        cancellation.begin => "a transaction dropped at any await harms no other scope, and loses no write", both;
        cancellation.closure => "a closure dropped at any await is kept whole or not at all", both;
        cancellation.waiting => "giving up the wait for a connection costs nothing";
        cancellation.dropped_query => "a dropped query ends on the server and holds up nobody";
        cancellation.killed => "a killed connection costs its own scope alone";
        cancellation.killed_in_query => "a query killed in its midst is an error, and the next scope serves";
    };
    all.extend(own_tables());
    all
}
