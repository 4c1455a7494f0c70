//! What the services do. No message, and no query, names a tenant.

use example_notes::{Service, whoami};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tenancy::TenantScope;
use tenancy::tonic::TenancyRequest as _;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::problem::status;
use crate::proto::administration_server::Administration;
use crate::proto::diagnostics_server::Diagnostics;
use crate::proto::notes_server::Notes;
use crate::proto::{Count, Draft, Empty, Note, NoteList, Text};

/// A tenant's notes.
pub(crate) struct NotesService(pub(crate) Service);

#[async_trait]
impl Notes for NotesService {
    async fn add(&self, request: Request<Draft>) -> Result<Response<Note>, Status> {
        let scope = request.tenant_scope()?;
        let draft = request.into_inner().into();
        let note = self.0.notes.add(&scope, draft).await.map_err(status)?;
        Ok(Response::new(note.into()))
    }

    async fn list(&self, request: Request<Empty>) -> Result<Response<NoteList>, Status> {
        let scope = request.tenant_scope()?;
        let notes = self.0.notes.list(&scope).await.map_err(status)?;
        let notes = notes.into_iter().map(Note::from).collect();
        Ok(Response::new(NoteList { notes }))
    }

    async fn who_am_i(&self, request: Request<Empty>) -> Result<Response<Text>, Status> {
        let scope = request.tenant_scope()?;
        text(whoami(&scope).map_err(status)?)
    }

    type ExportStream = BoxStream<'static, Result<Note, Status>>;

    async fn export(&self, _: Request<Empty>) -> Result<Response<Self::ExportStream>, Status> {
        let notes = self.0.notes.clone().each();
        Ok(Response::new(
            notes.map_ok(Note::from).map_err(status).boxed(),
        ))
    }

    type WatchStream = BoxStream<'static, Result<Count, Status>>;

    async fn watch(&self, _: Request<Empty>) -> Result<Response<Self::WatchStream>, Status> {
        let counts = self.0.notes.clone().counts();
        let counts = counts.map_ok(|count| Count { count });
        Ok(Response::new(counts.map_err(status).boxed()))
    }

    async fn import(&self, request: Request<Streaming<Draft>>) -> Result<Response<Count>, Status> {
        let scope = request.tenant_scope()?;
        let drafts = request.into_inner().map_ok(Into::into);
        // All of them are here before the first is stored: a slow client holds up nobody's writing.
        let drafts = drafts.try_collect().await?;
        let stored = self.0.notes.import(&scope, drafts).await;
        let count = i64::try_from(stored.map_err(status)?.len()).unwrap_or(i64::MAX);
        Ok(Response::new(Count { count }))
    }

    type ImportEachStream = BoxStream<'static, Result<Note, Status>>;

    async fn import_each(
        &self,
        request: Request<Streaming<Draft>>,
    ) -> Result<Response<Self::ImportEachStream>, Status> {
        let notes = self.0.notes.clone();
        let stored = request.into_inner().and_then(move |draft| {
            let notes = notes.clone();
            async move {
                // Each goes on with the call's one transaction, which its status ends.
                let scope = TenantScope::current().map_err(status)?;
                let stored = notes.import(&scope, vec![draft.into()]).await;
                Ok(stream::iter(stored.map_err(status)?).map(|note| Ok(note.into())))
            }
        });
        Ok(Response::new(stored.try_flatten().boxed()))
    }

    type ConverseStream = BoxStream<'static, Result<Note, Status>>;

    async fn converse(
        &self,
        request: Request<Streaming<Draft>>,
    ) -> Result<Response<Self::ConverseStream>, Status> {
        let notes = self.0.notes.clone();
        let stored = request.into_inner().and_then(move |draft| {
            let notes = notes.clone();
            async move {
                // A response's stream is polled in its call's scope.
                let scope = TenantScope::current().map_err(status)?;
                let note = notes.add(&scope, draft.into()).await.map_err(status)?;
                Ok(note.into())
            }
        });
        Ok(Response::new(stored.boxed()))
    }
}

/// What an administrator asks about all tenants.
pub(crate) struct AdministrationService(pub(crate) Service);

#[async_trait]
impl Administration for AdministrationService {
    async fn count_notes(&self, request: Request<Empty>) -> Result<Response<Count>, Status> {
        let scope = request.central_scope()?;
        let Service {
            notes,
            tenancy,
            tenants,
            ..
        } = &self.0;
        let counted = notes.count_everywhere(tenancy, &scope, tenants).await;
        let count = counted.map_err(status)?;
        Ok(Response::new(Count { count }))
    }
}

/// What anybody may ask.
pub(crate) struct DiagnosticsService(pub(crate) Service);

#[async_trait]
impl Diagnostics for DiagnosticsService {
    async fn health(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        text("ok")
    }

    async fn open_scopes(&self, _: Request<Empty>) -> Result<Response<Count>, Status> {
        let count = self.0.open_scopes.count();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Response::new(Count { count }))
    }
}

/// An answer that says this. What the examples share ends its lines, as HTTP's do.
#[expect(clippy::unnecessary_wraps, reason = "what a handler answers with")]
pub(crate) fn text(text: impl Into<String>) -> Result<Response<Text>, Status> {
    let text = text.into().trim_end().to_owned();
    Ok(Response::new(Text { text }))
}

impl From<Draft> for example_notes::Draft {
    fn from(Draft { title }: Draft) -> Self {
        Self { title }
    }
}

impl From<example_notes::Note> for Note {
    fn from(note: example_notes::Note) -> Self {
        let example_notes::Note { id, title } = note;
        Self { id, title }
    }
}
