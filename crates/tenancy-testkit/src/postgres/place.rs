//! Where the servers' programs are kept, where their data goes, and as whom they run.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::Error;

/// `nobody`, on every system that we know. `initdb` wants a user that has a name.
const NOBODY: u32 = 65534;

const STICKY: u32 = 0o1000;
const WRITE_BY_OTHERS: u32 = 0o002;
const ENTER_BY_OTHERS: u32 = 0o001;

#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Keeps the programs, between runs too.
    pub(crate) cache: PathBuf,
    /// Holds the data folders.
    pub(crate) temp: PathBuf,
    /// The user and group that the server runs as, if not ours: PostgreSQL refuses to run as root.
    pub(crate) run_as: Option<u32>,
}

impl Place {
    pub(crate) fn find() -> Result<Self, Error> {
        let temp = std::env::temp_dir();
        // A new file belongs to the effective user: the one way to ask that needs no unsafe call.
        let us = tempfile::tempfile()
            .and_then(|file| file.metadata())
            .map_err(Error::file("making a temporary file in", &temp))?
            .uid();
        let run_as = (us == 0).then_some(NOBODY);
        let temp = if us == 0 { open_folder(temp)? } else { temp };

        let cache = match std::env::var_os("TENANCY_TEST_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None if us == 0 && enterable(Path::new("/var/cache")) => {
                "/var/cache/tenancy-testkit".into()
            }
            None => own_cache().unwrap_or_else(|| temp.join(format!("tenancy-testkit-{us}"))),
        };
        let place = Self {
            cache,
            temp,
            run_as,
        };
        place.prepare_cache(us)?;
        Ok(place)
    }

    /// Makes the cache folder, or checks the one that is there: what lies in it is run.
    fn prepare_cache(&self, us: u32) -> Result<(), Error> {
        let untrusted = |path: &Path, reason: &str| Error::UntrustedCache {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let cache = &self.cache;
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(cache)
            .map_err(Error::file("making the folder", cache))?;
        let found = fs::symlink_metadata(cache).map_err(Error::file("looking at", cache))?;
        if !found.is_dir() {
            return Err(untrusted(cache, "it is no folder, but a link or a file"));
        }
        if found.uid() != us {
            return Err(untrusted(cache, "it belongs to another user"));
        }
        if found.mode() & 0o022 != 0 {
            return Err(untrusted(cache, "others may write to it"));
        }
        let real = cache
            .canonicalize()
            .map_err(Error::file("looking at", cache))?;
        for parent in real.ancestors().skip(1) {
            let found = fs::metadata(parent).map_err(Error::file("looking at", parent))?;
            let shared = found.mode() & WRITE_BY_OTHERS != 0;
            if shared && found.mode() & STICKY == 0 || found.uid() != us && found.uid() != 0 {
                return Err(untrusted(
                    parent,
                    "another user could replace what lies in it",
                ));
            }
        }
        if self.run_as.is_some() {
            fs::set_permissions(cache, Permissions::from_mode(0o755))
                .map_err(Error::file("opening up", cache))?;
            if !enterable(&real) {
                return Err(untrusted(
                    cache,
                    "the user that PostgreSQL runs as can't enter it (root's home, perhaps)",
                ));
            }
        }
        Ok(())
    }
}

/// The user's own cache folder, if it is there to write to.
fn own_cache() -> Option<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    fs::create_dir_all(&base).ok()?;
    tempfile::tempfile_in(&base).ok()?;
    Some(base.join("tenancy-testkit"))
}

/// A folder for temporary files that the server's user can use and no one can take away.
fn open_folder(preferred: PathBuf) -> Result<PathBuf, Error> {
    let candidates = [preferred, "/tmp".into(), "/var/tmp".into()];
    let open = |path: &&PathBuf| {
        let wanted = STICKY | WRITE_BY_OTHERS | ENTER_BY_OTHERS;
        fs::metadata(path).is_ok_and(|found| found.mode() & wanted == wanted) && enterable(path)
    };
    match candidates.iter().find(open) {
        Some(found) => Ok(found.clone()),
        None => Err(Error::NoOpenFolder {
            tried: candidates.map(|path| path.display().to_string()).join(", "),
        }),
    }
}

/// Whether a user who is a stranger to all of it can reach this folder.
fn enterable(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| {
        path.ancestors()
            .all(|part| fs::metadata(part).is_ok_and(|found| found.mode() & ENTER_BY_OTHERS != 0))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::Path;

    use super::Place;
    use crate::Error;

    fn judge(cache: &Path, us: u32) -> Result<(), Error> {
        let place = Place {
            cache: cache.to_owned(),
            temp: cache.to_owned(),
            run_as: None,
        };
        place.prepare_cache(us)
    }

    #[test]
    fn programs_are_kept_only_where_no_one_else_could_put_them() {
        let ours = tempfile::tempdir().unwrap();
        let us = fs::metadata(ours.path()).unwrap().uid();
        let set =
            |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();

        let cache = ours.path().join("cache");
        judge(&cache, us).unwrap();
        judge(&cache, us).unwrap();
        for mode in [0o775, 0o757] {
            set(&cache, mode);
            assert!(
                matches!(judge(&cache, us), Err(Error::UntrustedCache { .. })),
                "{mode:o}"
            );
        }
        set(&cache, 0o755);
        assert!(matches!(
            judge(&cache, us + 1),
            Err(Error::UntrustedCache { .. })
        ));

        let link = ours.path().join("link");
        symlink(&cache, &link).unwrap();
        assert!(matches!(
            judge(&link, us),
            Err(Error::UntrustedCache { .. })
        ));

        let open = ours.path().join("open");
        judge(&open.join("cache"), us).unwrap();
        set(&open, 0o777);
        assert!(matches!(
            judge(&open.join("cache"), us),
            Err(Error::UntrustedCache { .. })
        ));
        set(&open, 0o1777);
        judge(&open.join("cache"), us).unwrap();
    }
}
