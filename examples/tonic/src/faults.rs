//! Services that break on purpose, for the suite. A real one has none.

use example_notes::{Problem, Service};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tenancy::TenantScope;
use tenancy::tonic::{Routes, TenancyRequest as _};
use tonic::{Request, Response, Status, async_trait};

use crate::notes::text;
use crate::problem::status;
use crate::proto::faults_server::{Faults, FaultsServer};
use crate::proto::intercepted_server::{Intercepted, InterceptedServer};
use crate::proto::outside_server::{Outside, OutsideServer};
use crate::proto::{Empty, Text};

/// Adds them.
pub(crate) fn add(routes: Routes, service: &Service) -> Routes {
    routes
        .tenant(FaultsServer::new(FaultsService(service.clone())))
        .tenant(InterceptedServer::with_interceptor(Never, failing))
        .open(OutsideServer::new(OutsideService(service.clone())))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "what an interceptor is given"
)]
fn failing(request: Request<()>) -> Result<Request<()>, Status> {
    request.tenant_scope()?;
    Err(status(Problem::OnPurpose))
}

struct Never;

#[async_trait]
impl Intercepted for Never {
    async fn never(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        text("never")
    }
}

struct FaultsService(Service);

type Texts = BoxStream<'static, Result<Text, Status>>;

/// A stream that says one thing, and then breaks.
fn one_and_then(breaks: fn() -> Result<Text, Status>) -> Response<Texts> {
    let one = async {
        Ok(Text {
            text: "one".to_owned(),
        })
    };
    // The first message is sent before the second is asked for.
    let then = async move {
        tokio::task::yield_now().await;
        breaks()
    };
    Response::new(stream::once(one).chain(stream::once(then)).boxed())
}

#[async_trait]
impl Faults for FaultsService {
    #[expect(clippy::panic, reason = "this is there to panic")]
    async fn panic(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        panic!("on purpose")
    }

    type PanicInStreamStream = Texts;

    #[expect(clippy::panic, reason = "this is there to panic")]
    async fn panic_in_stream(&self, _: Request<Empty>) -> Result<Response<Texts>, Status> {
        Ok(one_and_then(|| panic!("on purpose")))
    }

    async fn fail(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        Err(status(Problem::OnPurpose))
    }

    type FailInStreamStream = Texts;

    async fn fail_in_stream(&self, _: Request<Empty>) -> Result<Response<Texts>, Status> {
        Ok(one_and_then(|| Err(status(Problem::OnPurpose))))
    }

    async fn wait(&self, request: Request<Empty>) -> Result<Response<Text>, Status> {
        let scope = request.tenant_scope()?;
        let waited = self.0.faults.wait(&self.0.notes, &scope).await;
        text(waited.map_err(status)?)
    }

    async fn transact(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        let scope = request.tenant_scope()?;
        let (service, how) = (&self.0, request.into_inner().text);
        let done = service.faults.transact(&service.notes, &scope, &how).await;
        text(done.map_err(status)?)
    }

    type TransactInStreamStream = Texts;

    async fn transact_in_stream(&self, request: Request<Text>) -> Result<Response<Texts>, Status> {
        let (service, how) = (self.0.clone(), request.into_inner().text);
        let done = async move {
            // The first message is sent before this one is made.
            tokio::task::yield_now().await;
            let scope = TenantScope::current().map_err(status)?;
            let done = service.faults.transact(&service.notes, &scope, &how).await;
            text(done.map_err(status)?).map(Response::into_inner)
        };
        let begun = async { text("begun").map(Response::into_inner) };
        Ok(Response::new(
            stream::once(begun).chain(stream::once(done)).boxed(),
        ))
    }

    async fn keep(&self, request: Request<Empty>) -> Result<Response<Text>, Status> {
        self.0.faults.keep(request.tenant_scope()?);
        text("kept")
    }
}

struct OutsideService(Service);

#[async_trait]
impl Outside for OutsideService {
    async fn release(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        self.0.faults.release();
        text("released")
    }

    async fn waiting(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        text(self.0.faults.waiting())
    }

    async fn kept(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        text(self.0.faults.use_kept(&self.0.notes).await)
    }

    async fn ambient(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        text(example_notes::Faults::ambient())
    }

    async fn forgotten(&self, request: Request<Empty>) -> Result<Response<Text>, Status> {
        request.tenant_scope()?;
        text("never")
    }
}
