//! One file being written, on a thread where waiting for the disk holds up nobody.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::ExportError;
use super::manifest::Written;
use crate::script::text;

/// So much is handed over at once; more only where one row is longer.
const PORTION: usize = 64 * 1024;
/// So many portions wait for the disk: a slow disk slows the reading down.
const WAITING: usize = 4;

/// A file that is written to. Dropped before its end, the thread ends.
pub(super) struct Sheet {
    portion: Vec<u8>,
    sender: Sender<Vec<u8>>,
    writing: JoinHandle<io::Result<Ended>>,
}

struct Ended {
    bytes: u64,
    lines: u64,
    sha256: String,
}

impl Sheet {
    pub(super) fn begin(path: PathBuf) -> Self {
        let (sender, portions) = channel(WAITING);
        Self {
            portion: Vec::with_capacity(PORTION),
            sender,
            writing: spawn_blocking(move || write(&path, portions)),
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.portion.extend_from_slice(bytes);
        if self.portion.len() >= PORTION {
            self.send().await?;
        }
        Ok(())
    }

    /// The file, once it is on the disk, and how many lines are in it that are not inside of quotes.
    pub(super) async fn finish(mut self, file: String) -> Result<(Written, u64), ExportError> {
        self.send().await?;
        drop(self.sender);
        let ended = result(self.writing).await?;
        let written = Written {
            file,
            bytes: ended.bytes,
            sha256: ended.sha256,
        };
        Ok((written, ended.lines))
    }

    async fn send(&mut self) -> Result<(), ExportError> {
        let portion = std::mem::replace(&mut self.portion, Vec::with_capacity(PORTION));
        if self.sender.send(portion).await.is_ok() {
            return Ok(());
        }
        // The thread has ended before its time, and says why.
        result(&mut self.writing).await?;
        Err(ExportError::Write(io::ErrorKind::Other))
    }
}

async fn result(
    writing: impl Future<Output = Result<io::Result<Ended>, tokio::task::JoinError>>,
) -> Result<Ended, ExportError> {
    match writing.await {
        Ok(ended) => ended.map_err(ExportError::written),
        Err(_) => Err(ExportError::Write(io::ErrorKind::Other)),
    }
}

/// A new file for this user alone. What is there is never written to, nor a link followed.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write(path: &Path, mut portions: Receiver<Vec<u8>>) -> io::Result<Ended> {
    let mut file = BufWriter::new(create(path)?);
    let mut hasher = Sha256::new();
    let (mut bytes, mut lines) = (0, Lines::default());
    while let Some(portion) = portions.blocking_recv() {
        file.write_all(&portion)?;
        hasher.update(&portion);
        bytes += u64::try_from(portion.len()).unwrap_or(u64::MAX);
        lines.count(&portion);
    }
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(Ended {
        bytes,
        lines: lines.count,
        sha256: text::hex(&hasher.finalize()),
    })
}

/// Counts the ends of lines that are not inside of quotes; a doubled quote leaves and enters again.
#[derive(Default)]
struct Lines {
    count: u64,
    quoted: bool,
}

impl Lines {
    fn count(&mut self, portion: &[u8]) {
        for byte in portion {
            match byte {
                b'"' => self.quoted = !self.quoted,
                b'\n' if !self.quoted => self.count += 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn rows_are_counted_whatever_is_in_them() {
        let csv = b"id,\"na\nme\"\n1,\"a \"\"\n\"\" b\"\n2,\"\"\n3,\"\"\"\n\"\n,\n";
        for cut in 0..csv.len() {
            let mut lines = Lines::default();
            let (first, second) = csv.split_at(cut);
            lines.count(first);
            lines.count(second);
            assert_eq!(lines.count, 5, "cut at {cut}");
        }
    }
}
