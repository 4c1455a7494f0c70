//! There is no way to add a service that doesn't say what it gives access to.

use tenancy_tonic::{Routes, TenancyLayer};

fn app<S>(layer: TenancyLayer, notes: S) -> tonic::service::Routes {
    Routes::new(layer).add_service(notes).finish()
}

fn main() {
    let _ = app::<()>;
}
