//! The services, each of which says what it gives access to.

use example_notes::{Service, administrators};
use tenancy::tonic::{Central, Routes, TenancyLayer};

use crate::faults;
use crate::notes::{AdministrationService, DiagnosticsService, NotesService};
use crate::proto::administration_server::AdministrationServer;
use crate::proto::diagnostics_server::DiagnosticsServer;
use crate::proto::notes_server::NotesServer;

/// The whole service.
pub(crate) fn all(service: &Service) -> tonic::service::Routes {
    let routes = Routes::new(TenancyLayer::new(service.tenancy.clone()).transaction_per_request())
        .tenant(NotesServer::new(NotesService(service.clone())))
        .central(
            Central::because("an administrator counts the notes", administrators),
            AdministrationServer::new(AdministrationService(service.clone())),
        )
        .open(DiagnosticsServer::new(DiagnosticsService(service.clone())));
    faults::add(routes, service).finish()
}
