//! A MariaDB server.

use sqlx::mysql::MySqlSslMode;

use super::{Finding, Secrecy, Weight, way_to};
use crate::db::{Cell, fault};
use crate::site::{MysqlSite, SiteError};

pub(super) fn way(site: &MysqlSite) -> Finding {
    let options = site.options();
    let secrecy = match options.get_ssl_mode() {
        MySqlSslMode::Disabled | MySqlSslMode::Preferred => Secrecy::Perhaps,
        MySqlSslMode::Required => Secrecy::Listeners,
        MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity => Secrecy::Everybody,
    };
    let by_socket = options.get_socket().is_some();
    way_to(
        options.get_host(),
        by_socket,
        &secrecy,
        "ssl-mode=VERIFY_IDENTITY",
    )
}

pub(super) async fn examine(site: &MysqlSite) -> Result<Vec<Finding>, SiteError> {
    let mut findings = vec![way(site)];
    let mut lane = match site.admin().await {
        Ok(lane) => lane,
        Err(SiteError::Server { reason }) => {
            findings.push(Finding::new("server", Weight::Wrong, reason));
            return Ok(findings);
        }
        Err(error) => return Err(error),
    };
    let version = lane.raw_rows("SELECT VERSION()".to_owned()).await;
    let version = texts(version.map_err(fault)?).join("");
    findings.push(Finding::new(
        "server",
        Weight::Fine,
        format!(
            "{version}: each statement of DDL commits by itself there, so a migration that fails half way stays half done, and is named"
        ),
    ));
    let sql = "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES \
               WHERE GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''') \
               AND (IS_GRANTABLE = 'YES' OR PRIVILEGE_TYPE IN ('PROCESS', 'SUPER', 'CONNECTION ADMIN', 'CREATE USER', 'CREATE', 'DROP', 'ALTER'))";
    let has = texts(lane.raw_rows(sql.to_owned()).await.map_err(fault)?);
    let missing = |wanted: &[&str]| {
        let missing = wanted
            .iter()
            .filter(|one| !has.iter().any(|own| own == *one));
        missing.copied().collect::<Vec<_>>().join(", ")
    };
    let needed = missing(&[
        "CREATE",
        "DROP",
        "ALTER",
        "CREATE USER",
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "EXECUTE",
    ]);
    findings.push(if needed.is_empty() {
        Finding::new("administrator", Weight::Fine, "it may make what tenants need")
    } else {
        Finding::new(
            "administrator",
            Weight::Doubtful,
            format!(
                "it has not on all databases, to be granted to others: {needed}. Where tenants' databases have their own grants that is enough, else GRANT .. ON *.* WITH GRANT OPTION"
            ),
        )
    });
    if !missing(&["PROCESS"]).is_empty()
        || !missing(&["CONNECTION ADMIN"]).is_empty() && !missing(&["SUPER"]).is_empty()
    {
        findings.push(Finding::new(
            "administrator",
            Weight::Doubtful,
            "it can't see and end tenants' sessions, so that those go on when a tenant is removed: GRANT PROCESS, CONNECTION ADMIN",
        ));
    }
    Ok(findings)
}

fn texts(rows: Vec<crate::db::Row>) -> Vec<String> {
    let text = |cell| match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    };
    rows.into_iter().flatten().filter_map(text).collect()
}
