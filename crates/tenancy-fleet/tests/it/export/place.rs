//! An export of a tenant that goes on being served, on every kind of site.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use secrecy::ExposeSecret as _;
use tenancy_fleet::export::{ExportError, Exported};
use tenancy_fleet::provision::ProvisionError;
use tenancy_fleet::site::SiteError;

use super::{export_error, new_folder, notes, onboard};
use crate::provision::foreign::mark_as;
use crate::provision::ground::Ground;
use crate::provision::{on_every_site, set};
use crate::registry::{ada, id};

on_every_site!(
    a_place_is_exported_as_a_whole,
    folders_that_are_no_new_ones_are_refused,
    who_has_no_place_has_no_export,
    anothers_place_is_not_exported,
);

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

async fn a_place_is_exported_as_a_whole(mut ground: Ground) {
    ground.fleet = ground.fleet.clone().migrations(set(3));
    let (acme, globex) = (id("acme"), id("globex"));
    onboard(&ground, &acme).await;
    onboard(&ground, &globex).await;
    ground.furnish(&acme, "of acme").await;
    ground.furnish(&globex, "of globex").await;
    let (_parent, folder) = new_folder();
    let export = ground.fleet.export(&acme, &folder).await.unwrap();
    assert_eq!(export, Exported::verify(&folder).await.unwrap());
    let manifest = &export.manifest;
    assert_eq!(manifest.tenant, "acme");
    assert_eq!(manifest.applied_version, Some(3));
    assert!(!manifest.is_final);
    assert_eq!(notes(&ground, &export).await, ["of acme"]);

    // For this user alone, without its password, and with nothing else in the folder.
    assert_eq!(mode(&folder), 0o700);
    let mut password = None;
    if !ground.is_sqlite() {
        let credential = ground.registry.credential(&acme).await.unwrap();
        password = Some(credential.password().expose_secret().to_owned());
    }
    let mut files = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("globex"));
        assert!(password.iter().all(|password| !text.contains(password)));
        files += 1;
    }
    let expected = if ground.is_sqlite() {
        1
    } else {
        // t1 to t3, notes and the ledger.
        assert_eq!(manifest.tables.len(), 5);
        assert_eq!(export.rows(), 4);
        let notes = super::table(&export, "notes");
        assert_eq!(notes.primary_key, ["id"]);
        assert_eq!(notes.columns[1].name, "title");
        assert!(notes.columns[1].kind.contains("100"), "{:?}", notes.columns);
        5
    };
    assert_eq!(files, expected + 1);

    // It is served as before, and what is damaged is found.
    assert_eq!(
        ground
            .registry
            .get(&acme)
            .await
            .unwrap()
            .unwrap()
            .applied_version(),
        Some(3)
    );
    let mut inside = ground.inside(&acme).await;
    inside.run("INSERT INTO notes VALUES (2, 'later')").await;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let refused = Exported::verify(&folder).await.unwrap_err();
        assert!(matches!(refused, ExportError::Damaged { .. }), "{refused}");
        fs::write(&path, whole).unwrap();
    }
    Exported::verify(&folder).await.unwrap();
    drop(inside);
    ground.clear().await;
}

async fn folders_that_are_no_new_ones_are_refused(ground: Ground) {
    let acme = id("acme");
    onboard(&ground, &acme).await;
    ground.furnish(&acme, "of acme").await;
    let (parent, folder) = new_folder();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "mine").unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "mine").unwrap();
    let target = parent.path().join("target");
    fs::create_dir(&target).unwrap();
    let link = parent.path().join("link");
    symlink(&target, &link).unwrap();
    let slashed = parent.path().join("link/");
    let dangling = parent.path().join("dangling");
    symlink(parent.path().join("nowhere"), &dangling).unwrap();
    let below = parent.path().join("no/where");
    for (path, expected) in [
        (&folder, ExportError::NotEmpty),
        (&file, ExportError::NotAFolder),
        (&link, ExportError::NotAFolder),
        (&slashed, ExportError::NotAFolder),
        (&dangling, ExportError::NotAFolder),
        (&below, ExportError::Write(std::io::ErrorKind::NotFound)),
    ] {
        let refused = export_error(ground.fleet.export(&acme, path).await);
        assert_eq!(refused, expected, "{}", path.display());
    }
    assert_eq!(fs::read_to_string(folder.join("mine")).unwrap(), "mine");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    assert!(!parent.path().join("nowhere").exists());

    // An empty one is taken, and closed to others; a whole export is not written over.
    fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).unwrap();
    ground.fleet.export(&acme, &target).await.unwrap();
    assert_eq!(mode(&target), 0o700);
    let again = export_error(ground.fleet.export(&acme, &target).await);
    assert_eq!(again, ExportError::NotEmpty);
    Exported::verify(&target).await.unwrap();
    ground.clear().await;
}

async fn who_has_no_place_has_no_export(ground: Ground) {
    let acme = id("acme");
    let (_parent, folder) = new_folder();
    let unknown = ground.fleet.export(&acme, &folder).await.unwrap_err();
    assert!(matches!(unknown, ProvisionError::Registry(_)), "{unknown}");
    onboard(&ground, &acme).await;
    let confirmed = tenancy_fleet::provision::Confirmed::new(&acme, "acme").unwrap();
    let gone = ground.fleet.offboard(&acme, &confirmed, &ada()).await;
    gone.unwrap();
    let removed = ground.fleet.export(&acme, &folder).await.unwrap_err();
    assert_eq!(removed, ProvisionError::Removed);
    assert!(!folder.exists());
}

async fn anothers_place_is_not_exported(ground: Ground) {
    let acme = id("acme");
    onboard(&ground, &acme).await;
    ground.furnish(&acme, "of acme").await;
    mark_as(&ground, &acme, "globex").await;
    let (_parent, folder) = new_folder();
    let refused = export_error(ground.fleet.export(&acme, &folder).await);
    assert_eq!(refused, ExportError::Site(SiteError::NotOurs));
    assert!(!folder.exists());
    mark_as(&ground, &acme, "acme").await;
    ground.clear().await;
}
