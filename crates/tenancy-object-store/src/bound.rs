//! A scope, the folder that is its own, and what may be told of it.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{ObjectMeta, Result};

use crate::Holder;
use crate::refused::{Dots, Foreign, Root, refusal, retold};

/// Cheap to clone; all clones are one.
pub(crate) struct Bound<S> {
    scope: Arc<S>,
    folder: Path,
}

impl<S: Holder> Bound<S> {
    pub(crate) fn new(scope: S) -> Result<Self, tenancy_core::Error> {
        let folder = Path::from(scope.space()?.to_string());
        Ok(Self {
            scope: Arc::new(scope),
            folder,
        })
    }

    /// Asks the scope, in the caller's task. In every verb it comes before everything else.
    pub(crate) fn check(&self) -> Result<()> {
        self.scope.space().map(drop).map_err(refusal)
    }

    /// Where an object of the scope's lies. The folder itself is no object.
    pub(crate) fn object(&self, location: &Path) -> Result<Path> {
        if location.is_root() {
            return Err(refusal(Root));
        }
        self.below(location)
    }

    /// Where a folder of the scope's lies. A location has no dots to go up with, but encoded ones,
    /// which whoever makes a URL of it may take for what they mean.
    pub(crate) fn below(&self, folder: &Path) -> Result<Path> {
        if folder.parts().any(|part| is_dots(part.as_ref())) {
            return Err(refusal(Dots));
        }
        Ok(self.folder.parts().chain(folder.parts()).collect())
    }

    /// The location as the scope knows it. One that is not the scope's is refused.
    pub(crate) fn own(&self, location: &Path) -> Result<Path> {
        let rest = location.prefix_match(&self.folder);
        rest.map(Iterator::collect).ok_or_else(|| refusal(Foreign))
    }

    pub(crate) fn own_meta(&self, meta: ObjectMeta) -> Result<ObjectMeta> {
        let location = self.own(&meta.location)?;
        Ok(ObjectMeta { location, ..meta })
    }

    /// An error of the store below, without what is not the scope's.
    pub(crate) fn told(&self, error: object_store::Error, at: &Path) -> object_store::Error {
        retold(error, &self.folder, at)
    }

    /// A stream that ends with an error where its scope does, and in another scope.
    pub(crate) fn stream<I: 'static>(
        &self,
        mut items: BoxStream<'static, Result<I>>,
        at: &Path,
        own: impl Fn(&Self, I) -> Result<I> + Send + 'static,
    ) -> BoxStream<'static, Result<I>> {
        let (bound, at, mut over) = (self.clone(), at.clone(), false);
        stream::poll_fn(move |context| {
            if over {
                return Poll::Ready(None);
            }
            if let Err(error) = bound.check() {
                over = true;
                return Poll::Ready(Some(Err(error)));
            }
            items.poll_next_unpin(context).map(|next| {
                next.map(|item| match item {
                    Ok(item) => own(&bound, item),
                    Err(error) => Err(bound.told(error, &at)),
                })
            })
        })
        .boxed()
    }
}

/// `.` and `..`, in any spelling of a URL's.
fn is_dots(part: &str) -> bool {
    let plain = part.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

impl<S> Clone for Bound<S> {
    fn clone(&self) -> Self {
        Self {
            scope: Arc::clone(&self.scope),
            folder: self.folder.clone(),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Bound<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.scope, f)
    }
}
