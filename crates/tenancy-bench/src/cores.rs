//! Where client and server run: placement alone is worth a factor of six.

use std::fmt;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Failed;

/// The cores of a run.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    client: usize,
    server: usize,
}

impl Cores {
    /// The first one or two cores that this process may use.
    ///
    /// # Errors
    /// Where there are not so many.
    pub fn pick(count: u8) -> Result<Self, Failed> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let client = cores.next().ok_or("there is no core to run on")?;
        let server = match count {
            1 => client,
            _ => cores
                .next()
                .ok_or("there is one core only: say --cores 1")?,
        };
        Ok(Self { client, server })
    }

    /// This thread, and what it starts from now on, runs where the server does.
    ///
    /// # Errors
    /// The system's.
    pub fn be_server(self) -> Result<(), Failed> {
        pin(self.server)
    }

    /// This thread, and what it starts from now on, runs where the client does; proxies too.
    ///
    /// # Errors
    /// The system's.
    pub fn be_client(self) -> Result<(), Failed> {
        pin(self.client)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, server } = self;
        write!(
            f,
            "the server on core {server}, client and proxy on core {client}"
        )
    }
}

fn pin(core: usize) -> Result<(), Failed> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}
