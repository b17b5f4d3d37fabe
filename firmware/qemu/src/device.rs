//! `device`: a device of a fleet, with a network, and flash that outlives the emulation.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use crate::board::Board;
use crate::emulator::{Emulator, end, kill, start};
use crate::error::QemuError;

/// What a device is started with.
#[derive(Clone, Debug)]
pub struct Device {
    /// The file behind the board's external memory, written by [`Board::write_store`].
    pub flash: PathBuf,
    /// Where the console goes, appended.
    pub console: PathBuf,
    /// The broker's port on this machine.
    pub broker_port: u16,
    /// More words of the command line, as `firmware/boards/mps2/src/bin/device.rs` explains them: `every=10`.
    pub words: Vec<String>,
}

/// A device under emulation. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Emulator {
    /// Boots `device` on a board.
    ///
    /// # Errors
    /// No image, or what goes wrong on this machine.
    pub fn boot(&self, board: &Board, device: &Device) -> Result<Running, QemuError> {
        let io = |what| move |source| QemuError::Io { what, source };
        let (size, flash) = (board.file_bytes, absolute(&device.flash)?);
        let console = File::options().create(true).append(true).open(&device.console).map_err(io("no console file"))?;
        let folder = flash.parent().unwrap_or(Path::new("."));
        let port = format!("port={}", device.broker_port);
        let words: Vec<String> = device.words.iter().cloned().chain([port]).collect();
        let mut qemu = self.command(board, "device", folder, &words)?;
        qemu.arg("-M").arg(format!("{},memory-backend=flash", board.machine));
        let path = flash.display().to_string().replace(',', ",,");
        qemu.arg("-object").arg(format!("memory-backend-file,id=flash,size={size},mem-path={path},share=on"));
        qemu.args(["-nic", "user,model=lan9118"]).stderr(console);
        Ok(Running { child: start(&mut qemu)? })
    }
}

impl Running {
    /// Ends the emulation as a power failure would.
    pub fn kill(mut self) {
        kill(&mut self.child);
    }

    /// How the emulation has ended, if it has.
    ///
    /// # Errors
    /// [`QemuError::Io`].
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, QemuError> {
        self.child.try_wait().map_err(|source| QemuError::Io { what: "cannot ask for QEMU", source })
    }

    /// Waits for the end of the emulation; `None` if it did not come within the limit, and it is killed then.
    ///
    /// # Errors
    /// [`QemuError::Io`].
    pub fn wait(mut self, limit: Duration) -> Result<Option<ExitStatus>, QemuError> {
        end(&mut self.child, limit)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

fn absolute(path: &Path) -> Result<PathBuf, QemuError> {
    fs::canonicalize(path).map_err(|source| QemuError::Io { what: "no flash file", source })
}
