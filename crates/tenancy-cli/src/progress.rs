//! What is heard of a run while it goes: a bar on a terminal, a line for each tenant elsewhere.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;
use tenancy_fleet::run::{Event, Outcome};

use crate::output::{Output, plain};

/// What has become of one tenant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ended {
    tenant: String,
    #[serde(flatten)]
    outcome: Outcome,
}

enum Heard {
    Planned(u64),
    Ended(Ended),
}

/// Whoever shows it: a thread of its own, so that a slow terminal holds up no tenant.
pub(crate) struct Progress {
    sender: Sender<Heard>,
    shower: JoinHandle<Vec<Ended>>,
}

impl Progress {
    pub(crate) fn start(output: Output) -> Self {
        let (sender, heard) = channel();
        let shower = std::thread::spawn(move || {
            if output.is_json() {
                heard.into_iter().filter_map(ended).collect()
            } else if io::stderr().is_terminal() {
                bar(heard);
                Vec::new()
            } else {
                lines(heard);
                Vec::new()
            }
        });
        Self { sender, shower }
    }

    /// For a [`Run`](tenancy_fleet::run::Run).
    pub(crate) fn observer(&self) -> impl Fn(&Event<'_>) + Send + Sync + use<> {
        let sender = self.sender.clone();
        move |event| {
            let heard = match event {
                Event::Planned { tenants, .. } => Heard::Planned(*tenants),
                Event::Ended { tenant, outcome } => Heard::Ended(Ended {
                    tenant: tenant.to_string(),
                    outcome: (*outcome).clone(),
                }),
                _ => return,
            };
            // Nobody hears it: the report has what counts.
            let _ = sender.send(heard);
        }
    }

    /// Every tenant's outcome, for a document; of text, all is said by now. The run is over.
    pub(crate) fn finish(self) -> Vec<Ended> {
        drop(self.sender);
        self.shower.join().unwrap_or_default()
    }
}

fn ended(heard: Heard) -> Option<Ended> {
    match heard {
        Heard::Ended(ended) => Some(ended),
        Heard::Planned(_) => None,
    }
}

/// A line for each, on standard output.
fn lines(heard: Receiver<Heard>) {
    let mut out = anstream::stdout();
    for ended in heard.into_iter().filter_map(ended) {
        // Whoever reads it may go; the run goes on.
        let _ = writeln!(out, "{}", line(&ended));
    }
}

/// Rate and time left, and a line for each tenant that failed or was not tried.
fn bar(heard: Receiver<Heard>) {
    const LOOKS: &str = "{bar:30} {pos}/{len}  {rate}  {eta} left  {msg}";
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(LOOKS) {
        let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
            // Into a line that is drawn again in a moment.
            let _ = write!(out, "{:.0}/s", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
    }
    let mut failed = 0_u64;
    for heard in heard {
        match heard {
            Heard::Planned(tenants) => bar.set_length(tenants),
            Heard::Ended(ended) => {
                if let Outcome::Failed { .. } = ended.outcome {
                    failed += 1;
                    bar.set_message(format!("{failed} failed"));
                    bar.println(line(&ended));
                }
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
}

fn line(ended: &Ended) -> String {
    format!("{}: {}", ended.tenant, plain(&ended.outcome.to_string()))
}
