//! One at a time for each tenant.

use std::time::Duration;

use tenancy_core::{Placement, TenantId};

use super::ProvisionError;
#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::db::Lane;
use crate::export::Last;
use crate::registry::Credential;
use crate::site::{Engine, Site};

/// The tenant's place as it is to be.
#[allow(dead_code)] // files of SQLite have no logins
pub(super) struct Plan<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) placement: &'a Placement,
    /// Its login, where it has one.
    pub(super) credential: Option<Credential>,
    /// The id that the place was made for, before its tenant was known.
    pub(super) from: Option<&'a TenantId>,
}

/// The lock on one tenant, and the administrator's way to its site. Dropped, it is free.
pub(super) enum Hold<'s> {
    #[cfg(feature = "postgres")]
    Postgres(&'s crate::site::PostgresSite, Box<dyn Lane>),
    #[cfg(feature = "mysql")]
    Mysql(&'s crate::site::MysqlSite, Box<dyn Lane>),
    #[cfg(feature = "sqlite")]
    Sqlite(
        &'s crate::site::SqliteSite,
        #[allow(dead_code)] super::sqlite::Lock,
    ),
}

impl<'s> Hold<'s> {
    /// Waits for whoever else works on this tenant, for so long.
    pub(super) async fn of(
        site: &'s Site,
        tenant: &TenantId,
        patience: Duration,
    ) -> Result<Self, ProvisionError> {
        Ok(match &site.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => {
                Self::Postgres(site, super::postgres::hold(site, tenant, patience).await?)
            }
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => {
                Self::Mysql(site, super::mysql::hold(site, tenant, patience).await?)
            }
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(site) => {
                Self::Sqlite(site, super::sqlite::hold(site, tenant, patience).await?)
            }
        })
    }

    /// Refuses names that are somebody's already, where a mark could not tell later.
    #[allow(clippy::unused_async)] // without MariaDB it waits for nothing
    pub(super) async fn ensure_free(
        &mut self,
        placement: &Placement,
    ) -> Result<(), ProvisionError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql(_, lane) => super::mysql::ensure_free(&mut **lane, placement).await,
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => {
                let _ = placement;
                Ok(())
            }
        }
    }

    /// Makes what is missing of the place, empty.
    pub(super) async fn make(&mut self, plan: &Plan<'_>) -> Result<(), ProvisionError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(site, lane) => super::postgres::make(site, &mut **lane, plan).await,
            #[cfg(feature = "mysql")]
            Self::Mysql(site, lane) => super::mysql::make(site, &mut **lane, plan).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(site, _) => super::sqlite::make(site, plan).await,
        }
    }

    /// Marks a place that was made ahead of need as its tenant's, with the tenant's own password. It
    /// needs no lock: it may run twice, and nothing else is at work there.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        allow(unused_variables, clippy::unused_async)
    )]
    pub(super) async fn hand_over(site: &Site, plan: &Plan<'_>) -> Result<(), ProvisionError> {
        match &site.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => super::postgres::hand_over_quickly(site, plan).await,
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => super::mysql::hand_over_quickly(site, plan).await,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => Ok(()),
        }
    }

    /// Gives the login this password from here on; sessions that are open stay open.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        allow(unused_variables, clippy::unused_async)
    )]
    pub(super) async fn set_password(&mut self, plan: &Plan<'_>) -> Result<(), ProvisionError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_, lane) => super::postgres::set_password(&mut **lane, plan).await,
            #[cfg(feature = "mysql")]
            Self::Mysql(site, lane) => super::mysql::set_password(site, &mut **lane, plan).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(..) => Err(crate::registry::RegistryError::NoCredential.into()),
        }
    }

    /// Removes the place with everything in it, and the login: `last`, after it was exported, when
    /// its login can do nothing any more.
    pub(super) async fn remove(
        &mut self,
        plan: &Plan<'_>,
        last: Option<&Last<'_>>,
    ) -> Result<(), ProvisionError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(site, lane) => {
                super::postgres::remove(site, &mut **lane, plan, last).await
            }
            #[cfg(feature = "mysql")]
            Self::Mysql(site, lane) => super::mysql::remove(site, &mut **lane, plan, last).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(site, _) => super::sqlite::remove(site, plan, last).await,
        }
    }
}
