//! The same test program as a child of its own, so that it can be killed or given another environment.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use tenancy_testkit::mariadb;
use tenancy_testkit::postgres::{Major, Server, majors, majors_all};
use tenancy_testkit::redis;

const PART: &str = "TENANCY_TESTKIT_PART";

/// A child that plays one of the parts below, killed when dropped.
pub(crate) struct Player(Child);

impl Player {
    pub(crate) fn new(part: &str, environment: &[(&str, &str)]) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_part", "--nocapture"])
            .env(PART, part)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// The rest of the first line that starts with `says: `.
    pub(crate) fn says(&mut self) -> String {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        lines
            .find_map(|line| line.unwrap().strip_prefix("says: ").map(str::to_owned))
            .expect("the child said nothing")
    }

    /// `SIGKILL`: nothing in the child gets a chance to clean up.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Plays a part if this program was started as a child, and is nothing otherwise.
#[tokio::test]
async fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    match part.as_str() {
        "server" => {
            let server = Server::start(Major::V18).await.unwrap();
            println!("\nsays: {}", server.superuser_url("postgres"));
            // Until it is killed.
            let _ = std::io::stdin().read(&mut [0]);
        }
        "pgbouncer" => {
            let (_pooler, says) = crate::pgbouncer::play().await;
            println!("\nsays: {says}");
            // Until it is killed.
            let _ = std::io::stdin().read(&mut [0]);
        }
        "mariadb" => {
            let server = mariadb::Server::start().await.unwrap();
            println!("\nsays: {}", server.admin_url());
            // Until it is killed.
            let _ = std::io::stdin().read(&mut [0]);
        }
        "redis" => {
            let server = redis::Server::start().await.unwrap();
            println!("\nsays: {}", server.url());
            // Until it is killed.
            let _ = std::io::stdin().read(&mut [0]);
        }
        "shared mariadb" => match mariadb::Server::shared().await {
            Ok(server) => {
                let origin = origin(server.is_given());
                println!("\nsays: {} {} {origin}", server.version(), server.port());
            }
            Err(error) => println!("\nsays: {error}"),
        },
        "shared redis" => match redis::Server::shared().await {
            Ok(server) => {
                let origin = origin(server.is_given());
                println!("\nsays: {} {} {origin}", server.version(), server.port());
            }
            Err(error) => println!("\nsays: {error}"),
        },
        "program" => println!("\nsays: {}", crate::pgbouncer::program()),
        "shared 18" => match Server::shared(Major::V18).await {
            Ok(server) => println!("\nsays: {} {}", server.version(), server.port()),
            Err(error) => println!("\nsays: {error}"),
        },
        "majors" => println!("\nsays: {:?} {:?}", majors(), majors_all()),
        other => panic!("no such part: {other}"),
    }
}

fn origin(is_given: bool) -> &'static str {
    if is_given { "given" } else { "started" }
}
