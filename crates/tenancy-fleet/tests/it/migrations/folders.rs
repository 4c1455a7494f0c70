//! What may not be in a folder.

use std::path::Path;

use tenancy_fleet::migrations::{MigrationSet, SetError};
use tenancy_fleet::seeds::SeedSet;

async fn read(files: &[(&str, &str)]) -> Result<MigrationSet, SetError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    MigrationSet::from_folder(folder.path()).await
}

fn is_name(result: &Result<MigrationSet, SetError>, says: &str) -> bool {
    matches!(result, Err(SetError::Name { reason, .. }) if reason.contains(says))
}

#[tokio::test]
async fn a_good_folder_is_read_in_the_order_of_versions() {
    let set = read(&[
        ("10_later.sql", "SELECT 10"),
        ("2_two_words.up.sql", "SELECT 2"),
        ("2_two_words.down.sql", "SELECT -2"),
        ("README.md", "not a migration"),
        ("1_first.sql~", "an editor's"),
        ("0001_first.sql", "-- no-transaction\nSELECT 1"),
    ])
    .await
    .unwrap();
    assert_eq!(set.versions(), [1, 2, 10]);
    assert_eq!(set.latest(), 10);
    assert_eq!(set.description(2), Some("two words"));
    assert_ne!(set.digest(Some(1)), set.digest(Some(2)));
    assert_ne!(set.digest(None), set.digest(Some(1)));
    assert_eq!(set.digest(Some(3)), None);
    // The same files so far are the same digest so far.
    let shorter = read(&[("1_first.sql", "-- no-transaction\nSELECT 1")])
        .await
        .unwrap();
    assert_eq!(shorter.digest(Some(1)), set.digest(Some(1)));
    let edited = read(&[("1_first.sql", "SELECT 1")]).await.unwrap();
    assert_ne!(edited.digest(Some(1)), set.digest(Some(1)));
}

#[tokio::test]
async fn what_sqlx_would_pass_over_is_refused() {
    for (files, error) in [
        (vec![], SetError::Empty),
        (vec![("notes.txt", "x")], SetError::Empty),
        (
            vec![("1_a.sql", "x"), ("001_b.sql", "y")],
            SetError::Twice { version: 1 },
        ),
        (
            vec![("1_a.up.sql", "x"), ("1_b.sql", "y"), ("1_a.down.sql", "z")],
            SetError::Twice { version: 1 },
        ),
        (vec![("1_a.up.sql", "x")], SetError::NoDown { version: 1 }),
        (vec![("1_a.down.sql", "x")], SetError::NoUp { version: 1 }),
        (
            vec![("1_a.sql", "x"), ("1_a.down.sql", "y")],
            SetError::NoUp { version: 1 },
        ),
    ] {
        assert_eq!(read(&files).await.unwrap_err(), error, "{files:?}");
    }
    for (name, says) in [
        ("notes.sql", "VERSION_NAME"),
        ("1-notes.sql", "VERSION_NAME"),
        ("x_notes.sql", "VERSION_NAME"),
        ("99999999999999999999_notes.sql", "VERSION_NAME"),
        ("0_notes.sql", "above zero"),
        ("-3_notes.sql", "above zero"),
        ("2_notes.SQL", "small letters"),
    ] {
        let result = read(&[("1_good.sql", "x"), (name, "y")]).await;
        assert!(is_name(&result, says), "{name}: {result:?}");
    }
    let result = read(&[("1_nul.sql", "SELECT '\0'")]).await;
    assert!(is_name(&result, "NUL"), "{result:?}");
    let gone = MigrationSet::from_folder(Path::new("/no/such/folder")).await;
    assert!(matches!(gone, Err(SetError::Folder { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_text_file_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("1_good.sql");
    std::fs::write(&good, "SELECT 1").unwrap();
    let path = folder.path().join("2_dir.sql");
    std::fs::create_dir(&path).unwrap();
    let result = MigrationSet::from_folder(folder.path()).await;
    assert!(is_name(&result, "no file"), "{result:?}");
    std::fs::remove_dir(&path).unwrap();

    std::fs::write(&path, b"SELECT '\xff'").unwrap();
    let result = MigrationSet::from_folder(folder.path()).await;
    assert!(is_name(&result, "not UTF-8"), "{result:?}");
    let seeds = SeedSet::from_folder(folder.path()).await;
    assert!(matches!(seeds, Err(SetError::Name { .. })));
    std::fs::remove_file(&path).unwrap();

    std::os::unix::fs::symlink("/no/such/file", &path).unwrap();
    let result = MigrationSet::from_folder(folder.path()).await;
    assert!(is_name(&result, "can't be read"), "{result:?}");
    std::fs::remove_file(&path).unwrap();

    let huge = std::fs::File::create(&path).unwrap();
    huge.set_len(17 * 1024 * 1024).unwrap();
    let result = MigrationSet::from_folder(folder.path()).await;
    assert!(is_name(&result, "16 MiB"), "{result:?}");
    std::fs::remove_file(&path).unwrap();

    let odd = folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"2_\xff.sql"));
    std::fs::write(&odd, "SELECT 1").unwrap();
    let result = MigrationSet::from_folder(folder.path()).await;
    assert!(is_name(&result, "not UTF-8"), "{result:?}");
}

#[tokio::test]
async fn seeds_have_plain_names() {
    let folder = tempfile::tempdir().unwrap();
    let empty = SeedSet::from_folder(folder.path()).await;
    assert_eq!(empty.unwrap_err(), SetError::Empty);
    for name in ["b.sql", "10_a.sql", "2_a.sql", "notes.txt"] {
        std::fs::write(folder.path().join(name), "SELECT 1").unwrap();
    }
    let seeds = SeedSet::from_folder(folder.path()).await.unwrap();
    assert_eq!(seeds.names(), ["10_a", "2_a", "b"]);
    std::fs::write(folder.path().join("it's.sql"), "SELECT 1").unwrap();
    let odd = SeedSet::from_folder(folder.path()).await;
    assert!(matches!(odd, Err(SetError::Name { .. })));
}
