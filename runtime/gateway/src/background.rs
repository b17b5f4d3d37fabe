//! The runtime of a program that is not asynchronous itself.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// Threads that everything of this crate runs on. Dropping it ends whatever still runs there.
#[derive(Debug)]
pub struct Background {
    runtime: Runtime,
}

impl Background {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start() -> io::Result<Self> {
        Ok(Self { runtime: Builder::new_multi_thread().enable_all().build()? })
    }

    /// Does `work` and answers what came of it. What it starts goes on afterwards.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// Ends when somebody wants this process to end: Ctrl-C, or SIGTERM from a supervisor.
///
/// # Errors
/// If the process cannot listen to signals.
pub async fn asked_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}
