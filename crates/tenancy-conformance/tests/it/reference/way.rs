//! How a scope reaches its tenant's rows, in each tier, in the simplest form that is right.

use std::collections::HashMap;
use std::sync::Mutex;

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_conformance::{Row, Stage, Tier};
use tenancy_core::{BoxError, TenantId, TenantScope};
use tenancy_postgres::database::TenantDatabase;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::identity::Judgement;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::schema::{self, RESTING_PATH, TenantSchema};
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::{Binding, LEAVE, TenantKind};
use tokio_postgres::{Client, Config};

use super::Fault;

/// What stands in a challenge's place where no scope is sealed.
pub(super) const NO_CHALLENGE: &str = "00000000000000000000000000000000";
const NO_LEAVE: &str = "SELECT '00000000000000000000000000000000'::pg_catalog.text";

/// A connection's login, database and path, where they are not the URL's, and whose it is then:
/// two tenants with one placement are a mistake that must not be served from what is at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Target {
    tenant: Option<TenantId>,
    login: Option<String>,
    database: Option<String>,
    schema: Option<String>,
}

impl Target {
    pub(super) fn is_of(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref() == Some(tenant)
    }
}

pub(super) struct Way {
    tier: Tier,
    base: Config,
    /// Settings are pinned when a connection is made.
    pinned: bool,
    /// The schemas' path, with `{}` for the tenant's.
    path: &'static str,
    key: Option<(SealingKey, TenantKind)>,
    kind: TenantKind,
    row_logins: Option<TenantLogins>,
    logins: HashMap<TenantId, String>,
    passwords: Mutex<HashMap<String, SecretString>>,
    /// What was looked at whole, and what it looked like in short.
    known: Mutex<HashMap<Target, String>>,
}

impl Way {
    pub(super) fn sealed(
        url: &str,
        key: SealingKey,
        kind: TenantKind,
        fault: Option<Fault>,
    ) -> Self {
        Self::of(Tier::RowLevelSealed, url, kind, Some(key), fault)
    }

    pub(super) fn over(stage: &Stage, url: &str, fault: Option<Fault>) -> Self {
        let key = stage.sealing_key().cloned();
        let mut way = Self::of(stage.tier(), url, stage.kind(), key, fault);
        way.row_logins = stage.logins().cloned();
        for tenant in stage.tenants() {
            if let (Some(login), Some(password)) = (tenant.login(), tenant.password()) {
                way.logins.insert(tenant.id().clone(), login.to_owned());
                way.rotate(tenant.id(), password);
            }
        }
        way
    }

    fn of(
        tier: Tier,
        url: &str,
        kind: TenantKind,
        key: Option<SealingKey>,
        fault: Option<Fault>,
    ) -> Self {
        Self {
            tier,
            base: url.parse().expect("the test's own URL"),
            pinned: fault != Some(Fault::NotPinned),
            path: match fault {
                Some(Fault::PathWritten(path)) => path,
                _ => "{}, pg_temp",
            },
            key: key.map(|key| (key, kind)),
            kind,
            row_logins: None,
            logins: HashMap::new(),
            passwords: Mutex::default(),
            known: Mutex::new(HashMap::new()),
        }
    }

    /// New connections of this tenant's login are made with this password.
    pub(super) fn rotate(&self, tenant: &TenantId, password: &SecretString) {
        if let Some(login) = self.logins.get(tenant) {
            let mut passwords = self.passwords.lock().unwrap();
            passwords.insert(login.clone(), password.clone());
        }
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.key.is_some()
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.tier == Tier::RowLevelPooled
    }

    /// Who the URL logs in as.
    pub(super) fn user(&self) -> Result<Identifier, BoxError> {
        Ok(self.base.get_user().unwrap_or_default().parse()?)
    }

    pub(super) fn key(&self) -> Option<(&SealingKey, TenantKind)> {
        self.key.as_ref().map(|(key, kind)| (key, *kind))
    }

    /// Ends a scope, where there is one to be ended.
    pub(super) fn leave(&self) -> &'static str {
        if self.is_sealed() { LEAVE } else { NO_LEAVE }
    }

    pub(super) fn scrub(&self, nonce: &Nonce) -> String {
        plain_scrub(nonce, self.is_sealed())
    }

    /// Where this scope's connections lead.
    pub(super) fn target(
        &self,
        scope: &TenantScope,
        fault: Option<Fault>,
    ) -> Result<Target, BoxError> {
        let placement = scope.tenant().placement();
        let login = placement
            .credential()
            .map(str::to_owned)
            .or_else(|| self.logins.get(scope.tenant_id()).cloned());
        let tenant = match fault {
            Some(Fault::NoIdentityCheck) => None,
            _ => Some(scope.tenant_id().clone()),
        };
        Ok(match self.tier {
            Tier::RowLevelSealed | Tier::RowLevelPooled | Tier::SchemaRouted => Target::default(),
            Tier::RowLevelLogins => Target {
                tenant,
                login: Some(login.ok_or("this tenant has no login")?),
                ..Target::default()
            },
            Tier::SchemaLogins => Target {
                tenant,
                login: Some(login.ok_or("this tenant has no login")?),
                schema: Some(placement.schema_name().ok_or("no schema")?.to_owned()),
                ..Target::default()
            },
            Tier::Databases => {
                let named = placement.database_name().ok_or("no database")?;
                // The first of the two sorts first.
                let mut first: Vec<&String> = self.logins.values().collect();
                first.sort();
                let database = match fault {
                    Some(Fault::FirstDatabase) => format!("{} db", first[0]),
                    _ => named.to_owned(),
                };
                Target {
                    tenant,
                    login: Some(login.ok_or("this tenant has no login")?),
                    database: Some(database),
                    schema: None,
                }
            }
        })
    }

    pub(super) fn config(&self, target: &Target) -> Config {
        let mut config = self.base.clone();
        if let Some(login) = &target.login {
            config.user(login);
            if let Some(password) = self.passwords.lock().unwrap().get(login) {
                config.password(password.expose_secret());
            }
        }
        if let Some(database) = &target.database {
            config.dbname(database);
        }
        if self.pinned && !self.is_pooled() {
            config.options(self.options(target));
        }
        config
    }

    /// The settings that hold however the role's were changed.
    fn options(&self, target: &Target) -> String {
        let mut options: Vec<(&str, String)> = tenancy_postgres::settings::startup_options()
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let path = match (self.tier, &target.schema) {
            (Tier::SchemaRouted, _) => Some(RESTING_PATH.to_owned()),
            (_, Some(schema)) => Some(self.path_to(schema)),
            (Tier::Databases, None) => Some("\"public\", pg_temp".to_owned()),
            _ => None,
        };
        options.extend(path.map(|path| ("search_path", path)));
        options.push(("client_connection_check_interval", "100".into()));
        let escaped = options.iter().map(|(name, value)| {
            let value = value.replace('\\', r"\\").replace(' ', r"\ ");
            format!("-c {name}={value}")
        });
        escaped.collect::<Vec<_>>().join(" ")
    }

    fn path_to(&self, schema: &str) -> String {
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        self.path.replace("{}", &quoted)
    }

    /// Asks a new connection who and where it is.
    pub(super) async fn look(
        &self,
        client: &Client,
        target: &Target,
        tenant: &TenantId,
    ) -> Result<(), BoxError> {
        let login: Identifier = match &target.login {
            Some(login) => login.parse()?,
            None => self.user()?,
        };
        let identity = match self.tier {
            // The verifier's.
            Tier::RowLevelSealed | Tier::RowLevelPooled => return Ok(()),
            Tier::RowLevelLogins => {
                let logins = self.row_logins.as_ref().ok_or("no logins")?;
                let answer = one(client, &logins.identity_sql()).await?;
                let judgement = logins.judge_identity(self.kind, tenant, &answer)?;
                return serves(&judgement);
            }
            Tier::SchemaRouted => schema::routed_identity(&login),
            Tier::SchemaLogins => {
                let name = target.schema.as_deref().unwrap_or_default();
                TenantSchema::new(tenant, name.parse()?)?.identity(&login)
            }
            Tier::Databases => {
                let name = target.database.as_deref().unwrap_or_default();
                TenantDatabase::new(tenant, name.parse()?, login)?.identity()
            }
        };
        let known = self.known.lock().unwrap().get(target).cloned();
        if known.is_some() && known == one(client, &identity.fingerprint_sql()).await.ok() {
            return Ok(());
        }
        let answer = one(client, &identity.sql()).await?;
        let judgement = identity.judge(&answer)?;
        serves(&judgement)?;
        let mut known = self.known.lock().unwrap();
        known.insert(target.clone(), judgement.fingerprint);
        Ok(())
    }

    /// Points the path at the scope's schema, if that is marked as its tenant's. `None` where who
    /// is logged in says it all.
    pub(super) fn bind_sql(
        &self,
        scope: &TenantScope,
        binding: Binding,
        fault: Option<Fault>,
    ) -> Result<Option<String>, BoxError> {
        if self.tier != Tier::SchemaRouted {
            return Ok(None);
        }
        let schema = scope
            .tenant()
            .placement()
            .schema_name()
            .ok_or("no schema")?;
        let binding = match fault {
            Some(Fault::PathRemembered) => Binding::Session,
            _ => binding,
        };
        if matches!(fault, Some(Fault::NoIdentityCheck | Fault::PathWritten(_))) {
            return Ok(Some(format!(
                "SELECT pg_catalog.set_config('search_path', '{}', {})",
                self.path_to(schema).replace('\'', "''"),
                binding == Binding::Transaction
            )));
        }
        Ok(Some(schema_of(scope)?.bind_sql(binding)))
    }

    /// Whether a binding's answer says that it took effect.
    pub(super) fn is_bound(scope: &TenantScope, row: &Row) -> Result<(), BoxError> {
        let row: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        Ok(schema_of(scope)?.judge_binding(&row)?)
    }
}

fn schema_of(scope: &TenantScope) -> Result<TenantSchema, BoxError> {
    let schema = scope
        .tenant()
        .placement()
        .schema_name()
        .ok_or("no schema")?;
    Ok(TenantSchema::new(scope.tenant_id(), schema.parse()?)?)
}

/// The one text of the one row.
async fn one(client: &Client, sql: &str) -> Result<String, BoxError> {
    let rows = super::rows(&client.simple_query(sql).await?);
    let value = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next());
    Ok(value.flatten().ok_or("no answer")?)
}

fn serves(judgement: &Judgement) -> Result<(), BoxError> {
    if judgement.may_serve() {
        return Ok(());
    }
    Err(format!("{:?}", judgement.findings).into())
}

/// A scrub statement by statement, so that each of them can be left out. It answers as
/// `tenancy.scrub` does.
pub(super) fn plain_scrub(nonce: &Nonce, sealed: bool) -> String {
    let challenge = if sealed {
        "tenancy.leave()"
    } else {
        "pg_catalog.repeat('0', 32)"
    };
    format!(
        "ROLLBACK; SET TRANSACTION READ WRITE; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; \
         RESET ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; \
         SELECT pg_catalog.setseed(pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)::float8 / 9223372036854775808::float8); \
         SELECT pg_catalog.concat_ws(' ', {challenge}, '{nonce}'::pg_catalog.text, \
         pg_catalog.count(*) FILTER (WHERE p.from_sql), pg_catalog.count(*) FILTER (WHERE NOT p.from_sql), \
         session_user = current_user, pg_catalog.pg_backend_pid()) FROM pg_catalog.pg_prepared_statement() AS p"
    )
}
