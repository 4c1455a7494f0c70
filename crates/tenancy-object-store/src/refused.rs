//! What is told of errors: ours, and those of the store below.

use std::error::Error as StdError;

use object_store::Error;
use object_store::path::Path;

/// The folder of a scope was named where an object is asked for.
#[derive(Debug, thiserror::Error)]
#[error("the empty location is the scope's own folder, and no object: name an object in it")]
pub(crate) struct Root;

/// A location that goes up.
#[derive(Debug, thiserror::Error)]
#[error("`.` and `..` are no names of objects or folders, encoded neither: name the object itself")]
pub(crate) struct Dots;

/// The store below answered with something that was not asked for.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store answered with an object that is not this scope's, and nothing of it was handed out: the store \
     below does not keep to prefixes"
)]
pub(crate) struct Foreign;

/// What the store below said, as far as it may be told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

/// An error of ours, which is the source of what the trait has us return.
pub(crate) fn refusal(source: impl StdError + Send + Sync + 'static) -> Error {
    Error::Generic {
        store: "ScopedObjectStore",
        source: Box::new(source),
    }
}

/// The same kind of error, with the location that was asked for, and without the folder that stands
/// in front of it or anything that names another one.
pub(crate) fn retold(error: Error, folder: &Path, at: &Path) -> Error {
    let at = |path: String| -> String {
        if !at.is_root() {
            return at.to_string();
        }
        // One of many, of which only the store below knows which one it was.
        let own = path.split_once(&format!("{folder}/"));
        own.map(|(_, own)| own.to_owned()).unwrap_or_default()
    };
    let said = |source: &dyn StdError| Box::new(Said(said(&source.to_string(), folder)));
    match error {
        // Ours, from a stream that was handed down, and to be told apart by its source.
        Error::Generic { source, .. } if source.is::<tenancy_core::Error>() => Error::Generic {
            store: "ScopedObjectStore",
            source,
        },
        Error::Generic { store, source } => Error::Generic {
            store,
            source: said(&*source),
        },
        Error::NotFound { path, source } => Error::NotFound {
            path: at(path),
            source: said(&*source),
        },
        Error::AlreadyExists { path, source } => Error::AlreadyExists {
            path: at(path),
            source: said(&*source),
        },
        Error::Precondition { path, source } => Error::Precondition {
            path: at(path),
            source: said(&*source),
        },
        Error::NotModified { path, source } => Error::NotModified {
            path: at(path),
            source: said(&*source),
        },
        Error::PermissionDenied { path, source } => Error::PermissionDenied {
            path: at(path),
            source: said(&*source),
        },
        Error::Unauthenticated { path, source } => Error::Unauthenticated {
            path: at(path),
            source: said(&*source),
        },
        Error::NotSupported { source } => Error::NotSupported {
            source: said(&*source),
        },
        error @ Error::NotImplemented { .. } => error,
        other => Error::Generic {
            store: "ScopedObjectStore",
            source: said(&other),
        },
    }
}

fn said(text: &str, folder: &Path) -> String {
    let folder = folder.as_ref();
    let mut text = text.to_owned();
    // In a URL, `=` has another spelling.
    for own in [folder.to_owned(), folder.replace('=', "%3D")] {
        text = text.replace(&format!("{own}/"), "").replace(&own, "");
    }
    let lower = text.to_ascii_lowercase();
    if ["tenant=", "tenant%3d"]
        .iter()
        .any(|other| lower.contains(other))
    {
        return "what the store said is not told, for it names what is not this scope's".to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_is_told() {
        let own = Path::from("tenant=acme");
        assert_eq!(said("no /b/tenant=acme/x", &own), "no /b/x");
        assert_eq!(
            said("GET https://s3/b/tenant%3Dacme/x", &own),
            "GET https://s3/b/x"
        );
        for foreign in [
            "at tenant=beta/x",
            "tenant=acme/x -> TENANT%3Dbeta/x",
            "tenant=acme2/x",
        ] {
            let told = said(foreign, &own);
            assert!(
                !told.contains("beta") && !told.contains("tenant="),
                "{told}"
            );
        }
    }
}
