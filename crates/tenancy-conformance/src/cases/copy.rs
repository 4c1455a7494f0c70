//! COPY, which is not a query.

use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// `COPY .. TO STDOUT` gives the own rows.
pub(super) async fn out(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    for (sql, expected) in [
        ("COPY conformance.notes TO STDOUT", 4),
        (
            "COPY (SELECT * FROM conformance.notes n CROSS JOIN conformance.plans) TO STDOUT",
            8,
        ),
        (
            "COPY (SELECT * FROM conformance.events) TO STDOUT (FORMAT csv)",
            3,
        ),
    ] {
        let Some(copy) = session.copy_out(sql).await else {
            return Err(Stop::skipped("the driver has no COPY"));
        };
        let lines = copy.map_err(|error| Stop::failed(format!("{error}: {sql}")))?;
        session.look_through(sql, &lines)?;
        let lines: usize = lines.iter().map(|piece| piece.lines().count()).sum();
        ensure!(lines == expected, "{lines} lines of {expected}: {sql}");
    }
    Ok(())
}

/// `COPY .. FROM`, files and programs are refused.
pub(super) async fn refused(scene: &Scene<'_>) -> Verdict {
    const BY_ROW_SECURITY: &[&str] = &[
        "COPY conformance.notes FROM STDIN",
        "COPY conformance.notes (id, title) FROM STDIN (FORMAT csv)",
    ];
    const BY_PRIVILEGE: &[&str] = &[
        "COPY conformance.notes FROM '/etc/hostname'",
        "COPY conformance.notes FROM PROGRAM 'true'",
        "COPY conformance.notes TO PROGRAM 'cat >/dev/null'",
        "COPY (SELECT 1) TO 'conformance.copy'",
    ];
    let by_row_security = if scene.tier().is_walled() {
        BY_ROW_SECURITY
    } else {
        &[]
    };
    for sql in by_row_security.iter().chain(BY_PRIVILEGE) {
        // One session each: a driver that is left in a copy must not answer for the next.
        let mut session = scene.acquire_again(&scene.me).await?;
        session.refused(sql).await?;
    }
    Ok(())
}

/// A `COPY .. TO STDOUT` that is given up half-read shifts nobody's answers.
pub(super) async fn half_read(scene: &Scene<'_>) -> Verdict {
    // One that is still under way when it is given up, and one that the server has long sent whole.
    const MANY: &str = "COPY (SELECT n.title, i FROM conformance.notes n, generate_series(1, 20000) AS i) TO STDOUT";
    const FEW: &str = "COPY (SELECT i FROM generate_series(1, 3) AS i) TO STDOUT";
    for sql in [MANY, FEW, FEW] {
        let mut session = scene.acquire_again(&scene.me).await?;
        let Some(copy) = session.copy_out_half(sql).await else {
            return Err(Stop::skipped("the driver has no COPY"));
        };
        copy.map_err(|error| Stop::failed(format!("{error}: {sql}")))?;
        drop(session);
        for player in [&scene.other, &scene.me] {
            let mut next = scene.acquire_again(player).await?;
            for number in ["41", "42", "43"] {
                let answer = next.value(&format!("SELECT {number}")).await?;
                ensure!(
                    answer == number,
                    "asked for {number}, and `{answer}` came back"
                );
            }
            scene.reads_own(player, &mut next).await?;
        }
    }
    Ok(())
}
