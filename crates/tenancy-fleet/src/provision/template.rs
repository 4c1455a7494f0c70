//! The template of tenants' databases on PostgreSQL: migrated and seeded once, copied for each.

use std::time::Instant;

use sha2::{Digest as _, Sha256};
use tenancy_core::Strategy;
use tokio::time::timeout;

use super::ProvisionError;
use super::postgres::{ASK_AGAIN, hold_named, is_true, run};
use crate::Fleet;
use crate::db::{Cell, Kind, Lane, fault};
use crate::migrations::{Goal, drive};
use crate::script::text;
use crate::seeds::plant;
use crate::site::{Engine, Open, PostgresSite, SiteError};
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::role;

/// What the comment of every template of ours starts with; behind it stands what is in it.
const MARK: &str = "tenancy: template ";
/// Behind it while it is being made.
const BEING_MADE: &str = "being made";

/// How it stands with the template, or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Template {
    /// There was none.
    Missing,
    /// It has other migrations or seeds than the fleet.
    Behind,
    /// It has what the fleet has.
    Current,
}

/// A database as it was found.
enum Found {
    Nothing,
    /// Ours, with what it has.
    Ours(String),
    /// Ours, made so far and not marked.
    Begun,
}

impl Fleet {
    /// Makes the [template](crate::site::PostgresSite::template) of tenants' databases on the main
    /// site, with the fleet's migrations and seeds in it, or makes it anew where it has others; it
    /// answers how it stood before. The new one is made beside the old, and takes its name in one
    /// transaction: sign-ups meanwhile copy one or the other, and never half of one. Nobody can connect
    /// to it. Call it with each deployment, before or after the migration of tenants: what a template
    /// lacks, a new database gets from the migrations.
    ///
    /// # Errors
    /// [`SiteError::Strategy`] where the site has no databases, or names no template;
    /// [`SiteError::NotOurs`] for a database of its name that is not marked as a template of ours,
    /// which stays as it is; [`ProvisionError::Migration`], [`ProvisionError::Seed`], when the old one
    /// stays.
    pub async fn prepare_template(&self) -> Result<Template, ProvisionError> {
        let (site, name) = self.template_site()?;
        let lock = format!("tenancy template\0{}", name.as_str());
        let mut lane = hold_named(site, &lock, self.patience).await?;
        let maker = Maker {
            fleet: self,
            site,
            next: beside(name, "_next")?,
            old: beside(name, "_old")?,
            name: name.clone(),
        };
        maker.prepare(&mut *lane).await
    }

    /// How it stands with the template: what [`prepare_template`](Self::prepare_template) would find.
    ///
    /// # Errors
    /// As [`prepare_template`](Self::prepare_template).
    pub async fn template(&self) -> Result<Template, ProvisionError> {
        let (site, name) = self.template_site()?;
        let mut lane = site.admin().await?;
        let found = found(&mut *lane, name, site).await?;
        Ok(self.judge(&found, site))
    }

    fn template_site(&self) -> Result<(&PostgresSite, &Identifier), ProvisionError> {
        let main = self.sites.main();
        #[allow(irrefutable_let_patterns)] // with PostgreSQL alone
        if let Engine::Postgres(site) = &main.engine
            && main.strategy == Strategy::DatabasePerTenant
            && let Some(name) = &site.template
        {
            if matches!(name.as_str(), "template0" | "template1" | "postgres")
                || name.as_str() == site.main_database()
            {
                return Err(SiteError::NotOurs.into());
            }
            return Ok((site, name));
        }
        Err(SiteError::Strategy {
            reason: "there is no template to make: it takes a database for each tenant on PostgreSQL, and a name for the template",
        }
        .into())
    }

    fn judge(&self, found: &Found, site: &PostgresSite) -> Template {
        match found {
            Found::Nothing => Template::Missing,
            Found::Ours(has) if *has == self.template_digest(site) => Template::Current,
            Found::Ours(_) | Found::Begun => Template::Behind,
        }
    }

    /// What the template is to have: the same digest, the same template.
    fn template_digest(&self, site: &PostgresSite) -> String {
        let wanted = self.wanted();
        let mut hasher = Sha256::new();
        for part in [
            wanted.digest.as_deref().unwrap_or_default(),
            wanted.seeds.as_deref().unwrap_or_default(),
            site.owner.as_str(),
        ] {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
        text::hex(&hasher.finalize()[..16])
    }
}

struct Maker<'a> {
    fleet: &'a Fleet,
    site: &'a PostgresSite,
    name: Identifier,
    next: Identifier,
    old: Identifier,
}

impl Maker<'_> {
    async fn prepare(&self, lane: &mut dyn Lane) -> Result<Template, ProvisionError> {
        let found = found(lane, &self.name, self.site).await?;
        let stood = self.fleet.judge(&found, self.site);
        // What a run that was broken off has left.
        for left in [&self.next, &self.old] {
            self.remove(lane, left).await?;
        }
        if stood == Template::Current {
            return Ok(stood);
        }
        run(lane, role::table_owner(&self.site.owner)).await?;
        self.make(lane).await?;
        let (name, next, old) = (self.name.quoted(), self.next.quoted(), self.old.quoted());
        let away = if stood == Template::Missing {
            String::new()
        } else {
            format!("ALTER DATABASE {name} RENAME TO {old}; ")
        };
        let swap = format!("BEGIN; {away}ALTER DATABASE {next} RENAME TO {name}; COMMIT");
        step(lane, "template's name", swap).await?;
        self.remove(lane, &self.old).await?;
        Ok(stood)
    }

    /// Makes the next one: it is closed before it is marked as whole.
    async fn make(&self, lane: &mut dyn Lane) -> Result<(), ProvisionError> {
        let (next, owner) = (self.next.quoted(), self.site.owner.quoted());
        let create = format!(
            "CREATE DATABASE {next} OWNER {owner} TEMPLATE template0 ALLOW_CONNECTIONS false CONNECTION LIMIT 0"
        );
        step(lane, "template", create).await?;
        let open = format!(
            "COMMENT ON DATABASE {next} IS '{MARK}{BEING_MADE}'; REVOKE ALL ON DATABASE {next} FROM PUBLIC; \
             ALTER DATABASE {next} ALLOW_CONNECTIONS true CONNECTION LIMIT -1"
        );
        step(lane, "template's mark", open).await?;
        Box::pin(self.fill()).await?;
        let close = format!("ALTER DATABASE {next} ALLOW_CONNECTIONS false");
        step(lane, "template's end", close).await?;
        self.leave(lane).await?;
        let digest = self.fleet.template_digest(self.site);
        let mark = format!("COMMENT ON DATABASE {next} IS '{MARK}{digest}'");
        step(lane, "template's mark", mark).await
    }

    /// As a tenant's database is before its migrations, and then with these.
    async fn fill(&self) -> Result<(), ProvisionError> {
        let connecting = self.site.connect(self.next.as_str());
        let connected = timeout(self.fleet.limits.connect, connecting).await;
        let mut lane = connected.map_err(|_| ProvisionError::Timeout)??;
        let owner = self.site.owner.quoted();
        let inside = format!(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO {owner}"
        );
        step(&mut *lane, "template's inside", inside).await?;
        let database = self.next.as_str().to_owned();
        let mut open = Open::new(lane, self.site.inside_public(), database);
        let limits = &self.fleet.limits;
        if let Some(set) = &self.fleet.migrations {
            drive(&mut open, set, limits, Goal::Up(None), None).await?;
        }
        if let Some(seeds) = &self.fleet.seeds {
            plant(&mut open, seeds, limits, false).await?;
        }
        drop(open);
        // Rows that are frozen are so in each copy, and need no vacuum there.
        let mut lane = self.site.connect(self.next.as_str()).await?;
        step(
            &mut *lane,
            "template's rows",
            "VACUUM (FREEZE, ANALYZE)".to_owned(),
        )
        .await
    }

    /// Waits until nobody is connected to the next one: a copy can't be made of it before.
    async fn leave(&self, lane: &mut dyn Lane) -> Result<(), ProvisionError> {
        let name = text::text(Kind::Postgres, self.next.as_str());
        let sessions = format!(
            "FROM pg_catalog.pg_stat_activity WHERE datname OPERATOR(pg_catalog.=) {name}::pg_catalog.name"
        );
        let end = format!("SELECT pg_catalog.pg_terminate_backend(pid)::int::bigint {sessions}");
        let nobody = format!("SELECT NOT EXISTS (SELECT {sessions})");
        let deadline = Instant::now() + self.fleet.patience;
        while !is_true(lane, &nobody).await? {
            if Instant::now() >= deadline {
                return Err(ProvisionError::InUse);
            }
            // Who may not end it has to wait for it.
            let _ = lane.raw_rows(end.clone()).await;
            tokio::time::sleep(ASK_AGAIN).await;
        }
        Ok(())
    }

    /// Removes one of ours, and refuses any other.
    async fn remove(&self, lane: &mut dyn Lane, name: &Identifier) -> Result<(), ProvisionError> {
        match found(lane, name, self.site).await? {
            Found::Nothing => Ok(()),
            Found::Ours(_) | Found::Begun => {
                let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name.quoted());
                step(lane, "drop template", sql).await
            }
        }
    }
}

/// What has this name. Whatever is not ours is refused.
async fn found(
    lane: &mut dyn Lane,
    name: &Identifier,
    site: &PostgresSite,
) -> Result<Found, ProvisionError> {
    let literal = |name: &Identifier| text::text(Kind::Postgres, name.as_str());
    let sql = format!(
        "SELECT COALESCE(pg_catalog.shobj_description(d.oid, 'pg_database'), ''), \
         (NOT d.datallowconn AND d.datconnlimit OPERATOR(pg_catalog.=) 0 \
         AND pg_catalog.pg_get_userbyid(d.datdba) OPERATOR(pg_catalog.=) {}::pg_catalog.name)::int::bigint \
         FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) {}::pg_catalog.name",
        literal(&site.owner),
        literal(name),
    );
    let rows = lane
        .raw_rows(sql)
        .await
        .map_err(fault)
        .map_err(SiteError::from)?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(Found::Nothing);
    };
    match <[Cell; 2]>::try_from(row) {
        Ok([Cell::Text(comment), _]) if comment.starts_with(MARK) => {
            Ok(Found::Ours(comment[MARK.len()..].to_owned()))
        }
        Ok([Cell::Text(comment), Cell::Int(1)]) if comment.is_empty() => Ok(Found::Begun),
        _ => Err(SiteError::NotOurs.into()),
    }
}

fn beside(name: &Identifier, ending: &str) -> Result<Identifier, ProvisionError> {
    let name = Identifier::new(&format!("{}{ending}", name.as_str()));
    name.map_err(|_| {
        SiteError::Name {
            what: "template's name with `_next` behind it",
            max: tenancy_postgres::ident::MAX_LEN,
        }
        .into()
    })
}

async fn step(lane: &mut dyn Lane, step: &'static str, sql: String) -> Result<(), ProvisionError> {
    match lane.raw(sql).await.map_err(fault) {
        Ok(()) => Ok(()),
        Err(fault) if fault.is_lost() => Err(SiteError::from(fault).into()),
        Err(fault) => Err(ProvisionError::Step {
            step,
            needs: "CREATEDB and membership in the owner role",
            fault,
        }),
    }
}
