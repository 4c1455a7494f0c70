//! The sealed scope, attacked as the runtime role with proofs that were seen, changed or kept.

use tenancy_core::TenantId;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::seal::{Binding, Proof, TenantKind};

use crate::direct::Direct;
use crate::hex::hex;
use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

const READ: &str = "SELECT * FROM conformance.notes";
const NO_SCOPE: &[&str] = &["TN001", "55000"];

/// Fails unless the server refuses, with one of the codes where any are given.
async fn refused(attacker: &Direct, sql: &str, codes: &[&str]) -> Verdict {
    match attacker.simple(sql).await {
        Ok(_) => Err(Stop::failed(format!("was not refused: {sql}"))),
        Err(error) if codes.is_empty() || codes.iter().any(|code| error.is(code)) => Ok(()),
        Err(error) => Err(Stop::failed(format!(
            "was refused with {:?} and not with {codes:?}: {sql}",
            error.code
        ))),
    }
}

/// After a refusal, nothing can be read.
async fn has_no_scope(attacker: &Direct) -> Verdict {
    refused(attacker, READ, NO_SCOPE).await
}

fn prove(
    key: &SealingKey,
    tenant: &TenantId,
    kind: TenantKind,
    challenge: &tenancy_postgres::seal::Challenge,
) -> Verdict<Proof> {
    key.prove(tenant, kind, Binding::Session, challenge)
        .map_err(Stop::failed)
}

/// A proof works once, on the connection that it was made for.
pub(super) async fn replay(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    let attacker = stage.attacker().await?;
    let kept = attacker
        .enter(key, &scene.other.side.id, kind, Binding::Session)
        .await?
        .enter_sql();
    // Again in the open scope; then after leave(), where the next tenant's scope would be.
    refused(&attacker, &kept, &["TN002"]).await?;
    has_no_scope(&attacker).await?;
    for prepare in [
        "SELECT tenancy.leave()",
        "SELECT tenancy.leave(); SELECT tenancy.leave()",
        "DISCARD SEQUENCES; SELECT tenancy.leave()",
        "BEGIN; SELECT tenancy.leave(); ROLLBACK",
    ] {
        attacker.simple(prepare).await.map_err(Stop::failed)?;
        refused(&attacker, &kept, &["TN002"]).await?;
        has_no_scope(&attacker).await?;
    }
    attacker
        .enter(key, &scene.me.side.id, kind, Binding::Session)
        .await?;
    refused(&attacker, &kept, &["TN002"]).await?;
    has_no_scope(&attacker).await?;
    // A proof that was stolen before its use, on another connection, with a challenge of its own.
    let victim = stage.attacker().await?;
    let stolen = prove(key, &scene.other.side.id, kind, &victim.leave().await?)?.enter_sql();
    attacker.leave().await?;
    refused(&attacker, &stolen, &["TN002"]).await?;
    has_no_scope(&attacker).await?;
    // It still works where it belongs, so the refusals above were not for another reason.
    victim
        .simple(&stolen)
        .await
        .map_err(|error| Stop::failed(format!("an unused proof failed: {error}")))?;
    Ok(())
}

/// A savepoint, a rollback or an error gives a spent challenge back.
pub(super) async fn spent_for_good(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    let attacker = stage.attacker().await?;
    let proof = prove(key, &scene.other.side.id, kind, &attacker.leave().await?)?.enter_sql();
    attacker
        .simple(&format!(
            "BEGIN; SAVEPOINT s; {proof}; ROLLBACK TO SAVEPOINT s; ROLLBACK"
        ))
        .await
        .map_err(Stop::failed)?;
    attacker.leave().await?;
    refused(&attacker, &proof, &["TN002"]).await?;
    // One error in the same statement, after which the scope may be open: and closed by leave().
    let proof = prove(key, &scene.other.side.id, kind, &attacker.leave().await?)?.enter_sql();
    refused(&attacker, &format!("{proof}, 1/0"), &["22012"]).await?;
    attacker.leave().await?;
    has_no_scope(&attacker).await?;
    refused(&attacker, &proof, &["TN002"]).await?;
    has_no_scope(&attacker).await
}

/// Every part of a proof is under its seal.
pub(super) async fn swap(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    let attacker = stage.attacker().await?;
    let forge = |proof: &Proof, other: &Proof, part: usize| {
        let (key_id, meta, pieces, mac) = proof.parameters();
        let (other_key, other_meta, other_pieces, other_mac) = other.parameters();
        let mac_hex = |mac: &[u8; 32]| hex(mac);
        let mut flipped = *mac;
        flipped[part % 32] ^= 1;
        let (key_id, meta, pieces, mac) = match part {
            0 => (key_id, meta, other_pieces, mac_hex(mac)),
            1 => (key_id, other_meta, other_pieces, mac_hex(mac)),
            2 => (key_id, meta, pieces, mac_hex(other_mac)),
            3 => (key_id, meta ^ 256, other_pieces, mac_hex(mac)),
            4 => (key_id + 1, meta, pieces, mac_hex(mac)),
            5 => (0, meta, pieces, mac_hex(mac)),
            6 => (other_key, meta, pieces, mac_hex(&flipped)),
            7 => (key_id, meta, pieces, mac_hex(mac)[..62].to_owned()),
            8 => (key_id, meta, pieces, String::new()),
            9 => (key_id, meta ^ 128, pieces, mac_hex(mac)),
            10 => (key_id, meta ^ 64, pieces, mac_hex(mac)),
            _ => (key_id, meta + (1 << 16), pieces, mac_hex(mac)),
        };
        let pieces = pieces.map(|piece| format!("({piece})::int8")).join(", ");
        format!("SELECT tenancy.enter({key_id}, {meta}, {pieces}, decode('{mac}', 'hex'))")
    };
    for part in 0..12 {
        let challenge = attacker.leave().await?;
        let mine = prove(key, &scene.me.side.id, kind, &challenge)?;
        let others = SealingKey::new(key.id(), [7; 32]);
        let theirs = prove(&others, &scene.other.side.id, kind, &challenge)?;
        refused(&attacker, &forge(&mine, &theirs, part), &[]).await?;
        // The attempt also spent the challenge.
        refused(&attacker, &mine.enter_sql(), &["TN002"]).await?;
        has_no_scope(&attacker).await?;
    }
    // No parameter may be NULL, and no proof at all is none.
    for arguments in [
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
        "1, 64, 0, 0, 0, 0, 0, 0, 0, 0, NULL",
        "1, NULL, 0, 0, 0, 0, 0, 0, 0, 0, ''",
    ] {
        attacker.leave().await?;
        let _ = attacker
            .simple(&format!("SELECT tenancy.enter({arguments})"))
            .await;
        has_no_scope(&attacker).await?;
    }
    Ok(())
}

/// A second tenant in one transaction is refused, however the first was left.
pub(super) async fn second_tenant(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    for binding in [Binding::Transaction, Binding::Session] {
        let attacker = stage.attacker().await?;
        attacker.leave().await?;
        attacker.simple("BEGIN").await.map_err(Stop::failed)?;
        attacker
            .enter(key, &scene.me.side.id, kind, binding)
            .await?;
        attacker
            .simple("DECLARE kept CURSOR FOR SELECT * FROM conformance.notes")
            .await
            .map_err(Stop::failed)?;
        let challenge = attacker.leave().await?;
        let proof = key
            .prove(&scene.other.side.id, kind, binding, &challenge)
            .map_err(Stop::failed)?;
        refused(&attacker, &proof.enter_sql(), &["TN004"]).await?;
        attacker.simple("ROLLBACK").await.map_err(Stop::failed)?;
        has_no_scope(&attacker).await?;
        // The same tenant again, and another one in the next transaction, are both welcome.
        attacker
            .enter(key, &scene.other.side.id, kind, binding)
            .await?;
        attacker.leave().await?;
        attacker.simple("BEGIN").await.map_err(Stop::failed)?;
        attacker
            .enter(key, &scene.me.side.id, kind, binding)
            .await?;
        attacker
            .enter(key, &scene.me.side.id, kind, binding)
            .await?;
    }
    Ok(())
}

/// Two tenants in one simple message, where `now()` stands still over a COMMIT.
pub(super) async fn one_message(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    for between in ["COMMIT; BEGIN", "ROLLBACK; BEGIN", "SAVEPOINT s"] {
        let attacker = stage.attacker().await?;
        let challenge = attacker.leave().await?;
        let first = key
            .prove(&scene.me.side.id, kind, Binding::Transaction, &challenge)
            .map_err(Stop::failed)?;
        let second = key
            .prove(&scene.other.side.id, kind, Binding::Transaction, &challenge)
            .map_err(Stop::failed)?;
        let sql = format!(
            "BEGIN; {}; {READ}; {between}; {}; {READ}",
            first.enter_sql(),
            second.enter_sql()
        );
        refused(&attacker, &sql, &["TN002", "TN004"]).await?;
        attacker.simple("ROLLBACK").await.map_err(Stop::failed)?;
        has_no_scope(&attacker).await?;
    }
    Ok(())
}

/// A transaction-bound scope is dead in the next transaction.
pub(super) async fn transaction_bound(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    let attacker = stage.attacker().await?;
    for end in ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN"] {
        attacker.leave().await?;
        attacker.simple("BEGIN").await.map_err(Stop::failed)?;
        attacker
            .enter(key, &scene.me.side.id, kind, Binding::Transaction)
            .await?;
        attacker.simple(READ).await.map_err(Stop::failed)?;
        attacker.simple(end).await.map_err(Stop::failed)?;
        has_no_scope(&attacker).await?;
        attacker.simple("ROLLBACK").await.map_err(Stop::failed)?;
    }
    // Outside a transaction it holds for its own statement, which is over.
    attacker
        .enter(key, &scene.me.side.id, kind, Binding::Transaction)
        .await?;
    has_no_scope(&attacker).await
}

/// Hostile sequences of the right calls: SQL can end its scope, and open none.
pub(super) async fn discard(scene: &Scene<'_>) -> Verdict {
    for sql in ["DISCARD SEQUENCES", "DISCARD ALL", "SELECT tenancy.leave()"] {
        let mut session = scene.acquire_again(&scene.me).await?;
        session.rows(sql).await?;
        session.refused_as(READ, NO_SCOPE).await?;
        drop(session);
        scene.still_serves(&scene.other).await?;
    }
    Ok(())
}

/// `enter` and `leave`, cancelled at any moment, leave no scope but the one that was asked for.
pub(super) async fn cancelled(scene: &Scene<'_>) -> Verdict {
    let (stage, kind) = (scene.stage, scene.stage.kind);
    let key = stage.key()?;
    let attacker = stage.attacker().await?;
    let pid = attacker
        .value("SELECT pg_backend_pid()")
        .await
        .map_err(Stop::failed)?
        .unwrap_or_default();
    let second = stage.second_judge().await?;
    let cancel = format!("SELECT pg_cancel_backend({pid})");
    for round in 0..120_u32 {
        // A cancel of the last round may come late: it is over when a statement of ours succeeds.
        while attacker.leave().await.is_err() {}
        let Ok(_) = attacker
            .enter(key, &scene.other.side.id, kind, Binding::Session)
            .await
        else {
            continue;
        };
        let Ok(challenge) = attacker.leave().await else {
            continue;
        };
        let proof = prove(key, &scene.me.side.id, kind, &challenge)?.enter_sql();
        let sql = if round % 2 == 0 {
            proof
        } else {
            format!("BEGIN; {proof}; SELECT tenancy.leave(); COMMIT")
        };
        let later = async {
            for _ in 0..round % 7 {
                tokio::task::yield_now().await;
            }
            second.simple(&cancel).await
        };
        let (_, sent) = tokio::join!(attacker.simple(&sql), later);
        sent.map_err(Stop::failed)?;
        let _ = attacker.simple("ROLLBACK").await;
        if let Ok(rows) = attacker.simple(READ).await {
            let foreign = rows
                .iter()
                .flatten()
                .flatten()
                .any(|value| scene.other.side.owns(value));
            ensure!(
                !foreign,
                "a cancelled enter left the former tenant's scope open"
            );
        }
    }
    Ok(())
}
