//! Encrypted connections to a server that shows a certificate.

use tenancy_testkit::postgres::{Major, Server};

use crate::stage::Stage;

#[cfg(feature = "tls")]
mod built {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use tenancy_testkit::mariadb;

    use super::*;

    /// A root of our own, and a certificate that it has signed for 127.0.0.1.
    fn certificate(stage: &Stage, file: &str) -> (String, String) {
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        stage.write(file, &root.pem());
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let server = server.signed_by(&key, &root).unwrap();
        (server.pem(), key.serialize_pem())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_is_known_by_its_certificate() {
        let mut stage = Stage::sqlite();
        let (chain, key) = certificate(&stage, "root.pem");
        let _ = certificate(&stage, "another.pem");
        let server = Server::builder(Major::V18).tls(chain, key);
        let server = server.start().await.unwrap();
        let url = server.superuser_url("shop");
        stage.write(
            "tenancy.toml",
            "[base]\nurl = \"${DATABASE_URL}\"\n[tenants]\nowner = \"shop_tables\"\n",
        );
        let with = |host: &str, mode: &str, root: &str| {
            let root = stage.path(root).display().to_string();
            let url = url.replace("@127.0.0.1:", &format!("@{host}:"));
            format!("{url}?sslmode={mode}&sslrootcert={root}")
        };
        let (right, wrong, other_host) = (
            with("127.0.0.1", "verify-full", "root.pem"),
            with("127.0.0.1", "verify-full", "another.pem"),
            with("localhost", "verify-full", "root.pem"),
        );
        let (authority, required) = (
            with("localhost", "verify-ca", "root.pem"),
            format!("{url}?sslmode=require"),
        );
        stage.set("DATABASE_URL", &right);
        stage.ok(&["tenant", "onboard", "acme", "--create-base"]);
        for url in [authority, required] {
            stage.set("DATABASE_URL", &url);
            stage.ok(&["tenant", "show", "acme"]);
        }
        for url in [wrong.as_str(), &other_host] {
            stage.set("DATABASE_URL", url);
            for command in ["list", "list --create-base"] {
                let words: Vec<_> = std::iter::once("tenant")
                    .chain(command.split(' '))
                    .collect();
                assert_eq!(stage.refused(&words), ("base.tls".into(), 2), "{command}");
                let said = stage.complaint(&words);
                assert!(said.contains("certificate is not to be trusted"), "{said}");
            }
        }
        stage.set("DATABASE_URL", &right);
        stage.set("TENANCY_TENANTS_URL", &wrong);
        let refused = stage.refused(&["tenant", "onboard", "beta"]);
        assert_eq!(refused, ("site.tls".into(), 1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_mariadb_is_known_by_its_certificate() {
        if mariadb::is_left_out() {
            return;
        }
        let mut stage = Stage::sqlite();
        let (chain, key) = certificate(&stage, "root.pem");
        let _ = certificate(&stage, "another.pem");
        let server = mariadb::Server::start_with_tls(&chain, &key).await.unwrap();
        stage.write("tenancy.toml", "[base]\nurl = \"${DATABASE_URL}\"\n");
        let with = |host: &str, mode: &str, root: &str| {
            let root = stage.path(root).display().to_string();
            let url = server
                .admin_url()
                .replace("@127.0.0.1:", &format!("@{host}:"));
            format!("{url}shop?ssl-mode={mode}&ssl-ca={root}")
        };
        let right = with("127.0.0.1", "VERIFY_IDENTITY", "root.pem");
        let authority = with("localhost", "VERIFY_CA", "root.pem");
        let wrong = [
            with("127.0.0.1", "VERIFY_IDENTITY", "another.pem"),
            with("localhost", "VERIFY_IDENTITY", "root.pem"),
        ];
        stage.set("DATABASE_URL", &right);
        stage.ok(&["tenant", "onboard", "acme", "--create-base"]);
        stage.set("DATABASE_URL", &authority);
        stage.ok(&["tenant", "show", "acme"]);
        for url in &wrong {
            stage.set("DATABASE_URL", url);
            let refused = stage.refused(&["tenant", "list"]);
            assert_eq!(refused, ("base.tls".into(), 2));
            let said = stage.complaint(&["tenant", "list"]);
            assert!(said.contains("certificate is not to be trusted"), "{said}");
        }
        stage.set("DATABASE_URL", &right);
        stage.set("TENANCY_TENANTS_URL", &wrong[0]);
        let refused = stage.refused(&["tenant", "onboard", "beta"]);
        assert_eq!(refused, ("site.tls".into(), 1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_without_is_named() {
        let mut stage = Stage::postgres(Major::V18, "database").await;
        let url = format!("{}?sslmode=require", stage.variables["DATABASE_URL"]);
        stage.set("DATABASE_URL", &url);
        let said = stage.complaint(&["tenant", "list"]);
        assert!(said.contains("the server offers none"), "{said}");
    }
}

#[cfg(not(feature = "tls"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_says_so() {
    let server = Server::shared(Major::V18).await.unwrap();
    let mut stage = Stage::sqlite();
    let url = format!("{}?sslmode=require", server.superuser_url("postgres"));
    stage.set("TENANCY_BASE_URL", &url);
    assert_eq!(stage.refused(&["tenant", "list"]), ("base.tls".into(), 2));
    let said = stage.complaint(&["tenant", "list"]);
    assert!(
        said.contains("built without") || said.contains("offers none"),
        "{said}"
    );
}
