//! Files that are swapped, copied, linked or broken behind the application's back.

use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::{DatabaseError, SqliteTenants};

use super::support::{World, judge, world, world_with};

async fn refused(world: &World, tenant: &str) -> DatabaseError {
    match world.checkout(tenant).await {
        Err(Error::Sqlite(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn swapped_files_are_refused() {
    let world = world().await;
    let [acme, globex] = ["acme", "globex"].map(|tenant| world.path(tenant));
    let aside = world.folder.path().join("aside");
    std::fs::rename(&acme, &aside).unwrap();
    std::fs::rename(&globex, &acme).unwrap();
    std::fs::rename(&aside, &globex).unwrap();
    // The control: the other's rows are there to be read.
    assert_eq!(world.titles("acme").await, ["secret of globex"]);
    for tenant in ["acme", "globex"] {
        assert!(matches!(
            refused(&world, tenant).await,
            DatabaseError::NotThisTenants
        ));
    }
    assert_eq!(world.db.status().open, 0);
}

#[tokio::test]
async fn a_copy_or_a_hard_link_in_anothers_place_is_refused() {
    let world = world().await;
    std::fs::copy(world.path("globex"), world.path("acme")).unwrap();
    assert!(matches!(
        refused(&world, "acme").await,
        DatabaseError::NotThisTenants
    ));
    std::fs::remove_file(world.path("acme")).unwrap();
    std::fs::hard_link(world.path("globex"), world.path("acme")).unwrap();
    assert!(matches!(
        refused(&world, "acme").await,
        DatabaseError::NotThisTenants
    ));
    assert_eq!(world.count("globex").await, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_a_file_is_refused() {
    let world = world().await;
    std::fs::remove_file(world.path("acme")).unwrap();
    std::os::unix::fs::symlink(world.path("globex"), world.path("acme")).unwrap();
    let error = refused(&world, "acme").await;
    assert!(matches!(
        error,
        DatabaseError::File(tenancy_sqlite::Error::NotAFile)
    ));
}

/// The link comes when the first connection has been made and checked.
#[cfg(unix)]
#[tokio::test]
async fn a_link_that_comes_later_is_refused() {
    let world = world().await;
    let held = world.checkout("acme").await.unwrap();
    std::fs::rename(world.path("acme"), world.folder.path().join("aside")).unwrap();
    std::os::unix::fs::symlink(world.folder.path().join("aside"), world.path("acme")).unwrap();
    let error = refused(&world, "acme").await;
    assert!(
        matches!(
            error,
            DatabaseError::File(tenancy_sqlite::Error::AnotherFile)
        ),
        "{error:?}"
    );
    drop(held);
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused() {
    let world = world().await;
    for bytes in [
        &b""[..],
        b"garbage, and enough of it to be no header at all"
            .repeat(20)
            .as_slice(),
    ] {
        std::fs::write(world.path("acme"), bytes).unwrap();
        assert!(matches!(
            refused(&world, "acme").await,
            DatabaseError::NotThisTenants
        ));
    }
    std::fs::remove_file(world.path("acme")).unwrap();
    std::fs::create_dir(world.path("acme")).unwrap();
    let error = refused(&world, "acme").await;
    assert!(matches!(
        error,
        DatabaseError::File(tenancy_sqlite::Error::NotAFile)
    ));
    assert_eq!(world.count("globex").await, 1);
}

#[tokio::test]
async fn a_file_with_two_marks_or_none_is_refused() {
    let world = world().await;
    let mut judge = judge(&world.path("acme")).await;
    sqlx::raw_sql("INSERT INTO tenancy_identity VALUES ('globex')")
        .execute(&mut judge)
        .await
        .unwrap();
    assert!(matches!(
        refused(&world, "acme").await,
        DatabaseError::NotThisTenants
    ));
    sqlx::raw_sql("DELETE FROM tenancy_identity")
        .execute(&mut judge)
        .await
        .unwrap();
    assert!(matches!(
        refused(&world, "acme").await,
        DatabaseError::NotThisTenants
    ));
    sqlx::raw_sql("INSERT INTO tenancy_identity VALUES ('acme'); PRAGMA application_id = 0")
        .execute(&mut judge)
        .await
        .unwrap();
    assert!(matches!(
        refused(&world, "acme").await,
        DatabaseError::NotThisTenants
    ));
}

/// Restored without WAL: mended, since the mark is right.
#[tokio::test]
async fn a_file_that_left_wal_is_put_back() {
    let world = world().await;
    let mut judge = judge(&world.path("acme")).await;
    sqlx::raw_sql("PRAGMA journal_mode = DELETE")
        .execute(&mut judge)
        .await
        .unwrap();
    drop(judge);
    let mut connection = world.checkout("acme").await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn a_folder_that_can_not_be_used_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let refused = |path: &std::path::Path| match SqliteTenants::open(path) {
        Err(Error::Sqlite(DatabaseError::File(error))) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&file), tenancy_sqlite::Error::NotAFolder);
    // Also for root: the kernel lets nobody make a folder there.
    #[cfg(target_os = "linux")]
    assert!(matches!(
        refused(std::path::Path::new("/proc/tenants")),
        tenancy_sqlite::Error::Folder(_)
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(parent.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(
            refused(parent.path()),
            tenancy_sqlite::Error::FolderOpenToAll
        );
    }
}

/// The folder is gone when it is needed: a typed error, and nothing made elsewhere.
#[tokio::test]
async fn a_folder_that_vanished_is_a_typed_error() {
    use tenancy_core::Provisioner;
    let world = world_with(&["acme"], |builder| builder).await;
    std::fs::remove_dir_all(world.folder.path()).unwrap();
    let error = refused(&world, "acme").await;
    assert!(matches!(
        error,
        DatabaseError::File(tenancy_sqlite::Error::Missing)
    ));
    let error = world
        .db
        .provision(&super::support::id("globex"))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Sqlite(DatabaseError::File(tenancy_sqlite::Error::File(_)))
    ));
    assert!(!world.folder.path().exists());
}
