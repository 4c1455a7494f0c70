//! A tenant as it is shown.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::{Placement, Strategy, TenantStatus};
use tenancy_fleet::registry::Entry;

use crate::output::{Report, plain, rfc3339};

/// A tenant as it is shown: everything but its secrets.
#[derive(Serialize)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) status: TenantStatus,
    availability: &'static str,
    /// Until when, as far as is known.
    available_at: Option<String>,
    pub(crate) strategy: Strategy,
    pub(crate) provisioning: &'static str,
    placement: Option<Placement>,
    pub(crate) domains: Vec<String>,
    pub(crate) applied_version: Option<i64>,
    outcome: Option<String>,
    /// The id of the key, not the key.
    sealed_with: Option<String>,
    revision: i64,
    created_at: String,
    updated_at: String,
    /// Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<serde_json::Value>,
}

impl View {
    /// The tenant with its metadata.
    pub(crate) fn whole(entry: &Entry) -> Self {
        Self {
            // What was read as JSON is JSON.
            metadata: Some(entry.metadata().unwrap_or_default()),
            ..Self::brief(entry)
        }
    }

    pub(crate) fn brief(entry: &Entry) -> Self {
        let sealed = entry.sealed_credential();
        Self {
            id: entry.id().to_string(),
            status: entry.status(),
            availability: entry.availability().as_str(),
            available_at: entry.availability().until().map(rfc3339),
            strategy: entry.strategy(),
            provisioning: entry.provisioning().as_str(),
            placement: entry.placement().cloned(),
            domains: entry.domains().iter().map(ToString::to_string).collect(),
            applied_version: entry.applied_version(),
            outcome: entry.outcome().map(str::to_owned),
            sealed_with: sealed.map(|sealed| sealed.key_id().to_owned()),
            revision: entry.revision().number(),
            created_at: rfc3339(entry.created_at()),
            updated_at: rfc3339(entry.updated_at()),
            metadata: None,
        }
    }

    /// Whether it can be worked with just now, in words.
    pub(super) fn available(&self) -> String {
        let mode = match self.availability {
            "read_only" => "read-only",
            "maintenance" => "in maintenance",
            open => return open.to_owned(),
        };
        let until = self.available_at.as_ref();
        until.map_or(mode.to_owned(), |until| format!("{mode} until {until}"))
    }

    /// The same where there is something to say.
    pub(super) fn unavailable(&self) -> Option<String> {
        (self.availability != "open").then(|| self.available())
    }

    /// The places' names, in a word each.
    pub(super) fn place(&self) -> Option<String> {
        let placement = self.placement.as_ref()?;
        let parts = [
            ("server", placement.server()),
            ("database", placement.database_name()),
            ("schema", placement.schema_name()),
            ("login", placement.credential()),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(what, name)| Some(format!("{what} {}", plain(name?))));
        let parts: Vec<_> = parts.collect();
        Some(if parts.is_empty() {
            "shared tables".to_owned()
        } else {
            parts.join(", ")
        })
    }
}

impl Report for View {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = [
            ("id", Some(self.id.clone())),
            ("status", Some(self.status.to_string())),
            ("availability", self.unavailable()),
            ("strategy", Some(self.strategy.to_string())),
            ("provisioning", Some(self.provisioning.to_owned())),
            ("place", self.place()),
            (
                "domains",
                Some(self.domains.join(", ")).filter(|all| !all.is_empty()),
            ),
            (
                "version",
                self.applied_version.map(|version| version.to_string()),
            ),
            ("outcome", self.outcome.as_deref().map(plain)),
            ("sealed with", self.sealed_with.clone()),
            ("revision", Some(self.revision.to_string())),
            ("created", Some(self.created_at.clone())),
            ("changed", Some(self.updated_at.clone())),
            (
                "metadata",
                self.metadata
                    .as_ref()
                    .map(|value| plain(&value.to_string())),
            ),
        ];
        for (what, value) in lines {
            if let Some(value) = value {
                writeln!(out, "{what:<13}{value}")?;
            }
        }
        Ok(())
    }
}

/// One tenant as a document.
#[derive(Serialize)]
pub(crate) struct Shown {
    pub(crate) tenant: View,
}

impl Report for Shown {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.tenant.text(out)
    }
}
