//! What SQL can leave behind on a connection, and how it is seen.

use crate::place::literal;
use crate::scene::Player;
use crate::tier::Tier;

use super::random::Random;

/// Statements that leave something of this tenant's behind: each with the tenant's mark, where it
/// can hold one.
pub(super) fn statements(
    random: &mut Random,
    me: &Player,
    other: &Player,
    tier: Tier,
) -> Vec<String> {
    let mark = &me.side.mark;
    let one = |sql: &str| vec![sql.replace("{mark}", mark)];
    match random.below(14) {
        0 => one("SET application_name = '{mark}'; SET suite.left = '{mark}'"),
        1 => one("SELECT pg_catalog.set_config('suite.left', '{mark}', false)"),
        2 => one("SET suite.left = '{mark}'; SET default_transaction_read_only = on"),
        3 => one("DECLARE \"c {mark}\" CURSOR WITH HOLD FOR SELECT title FROM conformance.notes"),
        4 => one("PREPARE \"p {mark}\" AS SELECT '{mark} was prepared'"),
        5 => one("LISTEN \"{mark}\""),
        6 => one(&format!(
            "SELECT pg_catalog.pg_try_advisory_lock({})",
            lock_of(me)
        )),
        7 => one(
            "CREATE TEMPORARY TABLE notes AS SELECT 1000001::int8 AS id, '{mark} was shadowed'::text AS title",
        ),
        8 => {
            let path = match random.below(3) {
                0 => other.side.place.quoted(),
                1 => me.side.place.quoted(),
                _ => "pg_temp".to_owned(),
            };
            // On shared tables it leads nowhere else, so there it is told by a setting beside it.
            vec![format!(
                "SET suite.left = '{mark}'; SELECT pg_catalog.set_config('search_path', {}, false)",
                literal(&path)
            )]
        }
        9 => one("BEGIN; SET LOCAL suite.left = '{mark}'"),
        10 => one("BEGIN; SELECT 1/0"),
        11 if tier.is_sealed() => one("SELECT tenancy.leave()"),
        11 => one("DISCARD PLANS"),
        12 => one("BEGIN; LISTEN \"{mark}\"; COMMIT; SET idle_in_transaction_session_timeout = 1"),
        _ => vec![HIJACK.to_owned()],
    }
}

/// The names of what the driver has prepared. What stands for each of them then is [`hijack`]'s.
pub(super) const HIJACK: &str =
    "SELECT name FROM pg_catalog.pg_prepared_statements WHERE NOT from_sql";

/// Puts a statement of `mark`'s in the place of the driver's `name`.
pub(super) fn hijack(name: &str, mark: &str) -> String {
    let name = crate::place::quoted(name);
    format!("DEALLOCATE {name}; PREPARE {name} AS SELECT '1000001', '{mark} was put in its place'")
}

/// Everything that is left, as one text: whoever left it put its mark in.
pub(super) fn look(me: &Player, other: &Player) -> String {
    let locks = [me, other].map(|player| {
        format!(
            "WHEN {} THEN {}",
            lock_of(player),
            literal(&player.side.mark)
        )
    });
    format!(
        "SELECT pg_catalog.concat_ws(' | ', \
         pg_catalog.current_setting('suite.left', true), \
         pg_catalog.current_setting('application_name', true), \
         (SELECT pg_catalog.string_agg(name, ' ') FROM pg_catalog.pg_cursors), \
         (SELECT pg_catalog.string_agg(channel, ' ') FROM pg_catalog.pg_listening_channels() AS channel), \
         (SELECT pg_catalog.string_agg(name || ' ' || statement, ' ') FROM pg_catalog.pg_prepared_statements WHERE from_sql), \
         (SELECT pg_catalog.string_agg(CASE objid::pg_catalog.int8 {} {} END, ' ') FROM pg_catalog.pg_locks \
          WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()))",
        locks[0], locks[1]
    )
}

/// A lock of the tenant's own, so that nobody waits for another's.
fn lock_of(player: &Player) -> u32 {
    7_000_000
        + u32::from(player.side.mark.bytes().fold(0u16, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u16::from(byte))
        }))
}
