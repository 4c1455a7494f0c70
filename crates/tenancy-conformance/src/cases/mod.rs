//! The cases: one list, with what each proves.

mod bulk;
mod cancellation;
mod carrier;
mod central;
mod concurrency;
mod copy;
mod forging;
mod hostile_names;
mod leftovers;
mod logins;
mod reach;
mod reads;
mod routed;
mod routing;
mod scopes;
mod seal;
mod shadow;
mod streams;
mod tables;
mod takedown;
mod transactions;
mod writes;

use std::fmt;

use futures_util::future::BoxFuture;

use crate::scene::Scene;
use crate::tier::{self, On};
use crate::verdict::Verdict;

/// One small attack, played in both directions.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) proves: &'static str,
    /// Where it has a meaning.
    pub(crate) on: On,
    /// Whether the case itself writes as both tenants; if not, the other's rows must not change.
    pub(crate) changes_both: bool,
    pub(crate) play: for<'a> fn(&'a Scene<'a>) -> BoxFuture<'a, Verdict>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// `theme.case on TIERS => what it proves`; `both` where the case writes as both tenants.
macro_rules! cases {
    ($($theme:ident.$case:ident on $on:ident => $proves:literal $(, $both:ident)?;)+) => {
        vec![$(Case {
            name: concat!(stringify!($theme), ".", stringify!($case)),
            proves: $proves,
            on: tier::$on,
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
        tables.reads on WALLED => "a scope reads and counts exactly its own rows";
        tables.changes on WALLED => "no UPDATE, DELETE, TRUNCATE or row lock reaches a row by the other's name, and no row moves over";
        tables.inserts on WALLED => "no row can be written for the other, and no key tells that one exists";
        tables.no_scope on SEALED => "a connection of the runtime role without a scope gets nothing";
    }
}

/// Whose a place or a login is, and that it leads nowhere else.
fn of_places() -> Vec<Case> {
    cases! {
        shadow.public on SCHEMAS => "what stands in `public` takes no table's place, and is not found behind it";
        shadow.user on SCHEMAS => "a schema named like the login takes no table's place";
        shadow.temporary on SCHEMAS => "a temporary table takes no table's place";
        routing.foreign_placement on PLACES => "a scope whose placement is another tenant's opens nothing";
        routing.no_placement on PLACES => "a scope without a placement opens nothing, and falls back to nowhere";
        routing.no_place on PLACES => "a scope whose placement is not there opens nothing";
        routing.unmarked on PLACES => "a place without its tenant's mark is not served";
        routing.renamed on SCHEMAS => "two schemas that change names are served to nobody";
        routed.no_scope on ROUTED => "a connection of the shared login that no scope is bound on finds no table";
        routed.after_commit on ROUTED => "after a raw COMMIT a transaction reads its own rows, or none";
        routed.hijacked_bind on ROUTED => "a replaced bind leads nobody elsewhere";
        routed.names_are_not_enforced on ROUTED => "a limit, not a promise: SQL that names the other's schema reaches it";
        reach.names on OWN_PLACES => "naming the other's schema or database by hand is refused";
        reach.search_path on OWN_PLACES => "no search path leads to the other's tables";
        reach.catalogs on OWN_PLACES => "no catalog, statistic or file shows the other's rows";
        reach.roles on LOGINS => "the other's login can't be taken";
        reach.log_in on LOGINS => "one's own password opens neither the other's login nor its database";
        reach.membership on LOGINS => "a login that was made a member of the other's reads nothing through it";
        logins.strangers on WALLED_LOGINS => "a login that is no tenant's reads and writes nothing";
        logins.search_path on WALLED_LOGINS => "hostile operators, functions and types first in the path fool nothing";
    }
}

/// What an adapter may offer beside its three verbs.
fn beside() -> Vec<Case> {
    cases! {
        streams.own_rows on SESSIONS => "a stream brings exactly the own rows";
        streams.given_up on SESSIONS => "a stream given up half-read shifts nobody's answers";
        streams.outlives on SESSIONS => "a stream that outlives its scope brings its tenant's rows alone, and opens nothing new";
        bulk.own_tenant on WALLED_SESSIONS => "a bulk insert lands with its own tenant, whoever else has its keys";
        bulk.whole on WALLED_SESSIONS => "a bulk insert is done whole or not at all";
        bulk.dropped on WALLED_SESSIONS => "a bulk insert dropped at any await is done whole or not at all, and harms nobody";
        central.above on WALLED_SESSIONS => "central reads and writes everyone's rows, each by its tenant's name";
        central.apart on WALLED_SESSIONS => "no tenant's scope runs on central's connection";
        central.leftovers on WALLED_SESSIONS => "what a central scope leaves is not there in the next";
        central.ended on WALLED_SESSIONS => "a central scope that has ended, or inside a tenant's, opens nothing";
    }
}

/// Everything.
pub(crate) fn all() -> Vec<Case> {
    let mut all = cases! {
        reads.own_rows on ALL => "both protocols and all verbs read exactly the own rows";
        reads.by_key on ALL => "a key that both tenants have gives the own row, the other's name none";
        reads.aggregates on ALL => "counts, sums, extremes and groups are over the own rows";
        reads.pagination on ALL => "pages are pages of the own rows";
        reads.joins on ALL => "no join, set operation or sub-query reaches over";
        reads.shapes on ALL => "CTEs, windows, whole rows, exports, samples and cursors give own rows";
        reads.partitions on ALL => "a partitioned table is walled under its own name and its partitions'";
        reads.of_owner on ALL => "the table owner's views and definer functions see the scope's rows";
        reads.leaky_errors on ALL => "errors and side conditions tell nothing of the other's rows";
        reads.shared on ALL => "a declared shared table is read by both and written by none";
        reads.no_scope on SEALED => "no scope, no data: after leave(), and on a connection that never entered";
        writes.default_tenant on SESSIONS => "an insert needs no tenant id and gets its own";
        writes.insert_for_other on WALLED => "an insert that names the other is refused whole";
        writes.all_rows on SESSIONS => "UPDATE and DELETE without a condition reach the own rows";
        writes.move_over on WALLED => "no row can be given to the other, and none taken";
        writes.by_join on ALL => "UPDATE .. FROM and DELETE .. USING reach own rows";
        writes.bulk on SESSIONS => "bulk inserts get the own tenant, RETURNING the own rows";
        writes.upsert on SESSIONS => "an upsert onto a key that the other has touches the own row or is refused";
        writes.merge on SESSIONS => "MERGE reaches own rows in every branch";
        writes.truncate on WALLED => "TRUNCATE is refused";
        writes.foreign_key on ALL => "foreign keys and their cascades stay inside a tenant";
        writes.row_locks on ALL => "locking all that can be seen locks none of the other's rows";
        copy.out on ALL => "COPY TO gives own rows";
        copy.refused on ALL => "COPY FROM, files and programs are refused";
        copy.half_read on ALL => "a COPY given up half-read shifts nobody's answers";
        transactions.endings on ALL => "a commit keeps; a rollback and a drop do not";
        transactions.savepoints on ALL => "a rolled-back savepoint gives no scope back";
        transactions.failed on ALL => "a failed transaction leaves nothing to trip over";
        transactions.bound on SEALED => "a transaction's scope is dead after a raw COMMIT or ROLLBACK";
        transactions.commit_and_begin on ALL => "COMMIT and BEGIN in one message open nobody else's scope";
        transactions.left_open on SESSIONS => "a transaction left open by hand is undone before the next scope";
        transactions.closure_ok on ALL => "the closure's verb commits";
        transactions.closure_err on ALL => "an error in the closure rolls back and comes out";
        transactions.closure_panic on ALL => "a panic in the closure rolls back, comes out, and costs no connection";
        transactions.panic on ALL => "a panic with a checkout in hand gives it back clean";
        concurrency.sessions on ALL => "interleaved scopes on one connection read their own rows", both;
        concurrency.transactions on ALL => "interleaved transactions on one connection write to their own tenant", both;
        forging.settings on WALLED => "no setting forges the scope";
        forging.row_security on WALLED => "row_security = off and its like open nothing";
        forging.roles on ALL => "no other role can be taken";
        forging.grants on ALL => "the runtime role can't raise itself";
        forging.aliases on WALLED => "another spelling of an id is never the same tenant";
        forging.leaky_functions on WALLED_SESSIONS => "a function that tells what it sees is shown own rows alone";
        scopes.ended on ALL => "a ticket that outlived its scope opens nothing";
        scopes.mismatch on ALL => "one tenant's scope is refused inside another's";
        seal.replay on SEALED_SESSIONS => "a proof works once, on its own connection";
        seal.spent_for_good on SEALED_SESSIONS => "no savepoint, rollback or error gives a spent challenge back";
        seal.swap on SEALED_SESSIONS => "no part of a proof can be changed or swapped";
        seal.second_tenant on SEALED_SESSIONS => "a second tenant in one transaction is refused";
        seal.one_message on SEALED_SESSIONS => "two tenants in one message are refused";
        seal.transaction_bound on SEALED_SESSIONS => "a transaction-bound scope is dead in the next transaction";
        seal.discard on SEALED_SESSIONS => "SQL that discards or leaves ends its own scope, no more";
        seal.cancelled on SEALED_SESSIONS => "enter and leave, cancelled at any moment, leave no former tenant", both;
        carrier.sequences on SEALED_SESSIONS => "what carries the scope can be neither set nor read";
        carrier.shadowed on SEALED_SESSIONS => "no sequence of the same name takes its place";
        carrier.key_tables on SEALED_SESSIONS => "no table, statistic or function gives the key away";
        carrier.debug_output on SEALED_SESSIONS => "no debug output or plan prints the key";
        hostile_names.create on ALL => "the runtime role makes nothing, anywhere";
        hostile_names.temporary on ALL => "the runtime role makes nothing temporary";
        hostile_names.search_path on SEALED_SESSIONS => "hostile operators, functions and types first in the path fool nothing";
        hostile_names.every_setting on ENFORCED_SESSIONS => "no session setting changes whose rows are read";
        takedown.ddl on ALL => "no DDL opens the wall";
        takedown.drop_owned on WALLED => "DROP OWNED BY CURRENT_USER takes no policy";
        takedown.default_privileges on SEALED => "default privileges open nothing";
        takedown.catalogs on WALLED => "neither catalogs nor statistics lead around the wall";
        takedown.neighbours on ENFORCED_SESSIONS => "a neighbour's query can be neither read nor ended";
        leftovers.settings on ALL => "no session setting is left for the next scope";
        leftovers.read_only on ALL => "a hostile read-only session is over with its scope";
        leftovers.role on ALL => "no role is left";
        leftovers.random_seed on ALL => "no random seed is left";
        leftovers.hold_cursors on ALL => "no held cursor is left";
        leftovers.listeners on ALL => "no LISTEN is left";
        leftovers.advisory_locks on ALL => "no advisory lock is left";
        leftovers.temporary on ALL => "no temporary object is left";
        leftovers.prepared_by_sql on ALL => "no statement that SQL prepared is left";
        leftovers.hijacked_statement on SESSIONS => "the driver's cached statements can't be replaced";
        leftovers.deallocated on SESSIONS => "statements taken from the driver answer for no other";
        leftovers.hijacked_enter on SEALED_SESSIONS => "a replaced `enter` collects no proof";
        leftovers.prepared_transactions on ALL => "no prepared transaction is left";
        leftovers.role_settings on ALL => "ALTER ROLE .. SET gives later connections nothing";
        cancellation.acquire on ALL => "a checkout dropped at any await harms no other scope, and loses no write", both;
        cancellation.begin on ALL => "a transaction dropped at any await harms no other scope, and loses no write", both;
        cancellation.closure on ALL => "a closure dropped at any await is kept whole or not at all", both;
        cancellation.waiting on ALL => "giving up the wait for a connection costs nothing";
        cancellation.dropped_query on ALL => "a dropped query ends on the server and holds up nobody";
        cancellation.killed on ALL => "a killed connection costs its own scope alone";
        cancellation.killed_in_query on ALL => "a query killed in its midst is an error, and the next scope serves";
    };
    all.extend(of_places());
    all.extend(beside());
    all.extend(own_tables());
    all
}
