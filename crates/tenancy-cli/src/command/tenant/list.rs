//! `tenancy tenant list`.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::TenantStatus;
use tenancy_fleet::registry;

use super::View;
use crate::base::{BaseArguments, Context};
use crate::error::{CliError, Exit};
use crate::output::{Report, table};

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Those of this status alone
    #[arg(long, value_parser = status)]
    status: Option<TenantStatus>,
    #[command(flatten)]
    base: BaseArguments,
}

#[derive(Serialize)]
struct Tenants {
    tenants: Vec<View>,
}

impl Report for Tenants {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let head = [
            "ID",
            "STATUS",
            "STRATEGY",
            "PROVISIONING",
            "VERSION",
            "DOMAINS",
        ];
        let rows: Vec<_> = self.tenants.iter().map(row).collect();
        table(out, head, &rows)
    }
}

fn row(tenant: &View) -> [String; 6] {
    let version = tenant.applied_version;
    [
        tenant.id.clone(),
        status_of(tenant),
        tenant.strategy.to_string(),
        tenant.provisioning.to_owned(),
        version.map_or("-".to_owned(), |version| version.to_string()),
        tenant.domains.join(" "),
    ]
}

fn status_of(tenant: &View) -> String {
    let status = tenant.status;
    let unavailable = tenant.unavailable();
    unavailable.map_or(status.to_string(), |words| format!("{status}, {words}"))
}

fn status(word: &str) -> Result<TenantStatus, &'static str> {
    TenantStatus::parse(word).ok_or("it is none of active, suspended, provisioning and archived")
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let registry = context.registry(self.base).await?;
        let mut list = registry::List::default().limit(registry::List::MAX_LIMIT);
        if let Some(status) = self.status {
            list = list.status(status);
        }
        let mut tenants = Vec::new();
        loop {
            let page = registry.list(&list).await?;
            let Some(end) = page.last() else { break };
            list = list.after(end.id().clone());
            tenants.extend(page.iter().map(View::brief));
        }
        context.output.report(&Tenants { tenants })?;
        Ok(Exit::Done)
    }
}
