use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::board::Board;
use crate::error::QemuError;

/// The environment variable that names the folder of images, as `cargo xtask firmware` leaves it.
pub const IMAGES_VARIABLE: &str = "MOTE_FIRMWARE";
/// The program that emulates.
pub const PROGRAM: &str = "qemu-system-arm";

/// How often a running emulation is asked whether it has ended.
const POLL: Duration = Duration::from_millis(2);

/// QEMU, and the firmware images that it runs: `<images>/<board>/<program>.elf`.
#[derive(Clone, Debug)]
pub struct Emulator {
    program: PathBuf,
    images: PathBuf,
}

impl Emulator {
    /// QEMU on the path, and the images that [`IMAGES_VARIABLE`] names.
    ///
    /// # Errors
    /// [`QemuError::NoProgram`], [`QemuError::NoImages`]: tests skip with the text.
    pub fn find() -> Result<Self, QemuError> {
        let images = env::var_os(IMAGES_VARIABLE).ok_or(QemuError::NoImages { variable: IMAGES_VARIABLE })?;
        Self::with_images(Path::new(&images))
    }

    /// QEMU on the path, and the images of a folder.
    ///
    /// # Errors
    /// [`QemuError::NoProgram`].
    pub fn with_images(images: &Path) -> Result<Self, QemuError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut candidates = env::split_paths(&path).map(|folder| folder.join(PROGRAM));
        let program = candidates.find(|path| path.is_file()).ok_or(QemuError::NoProgram { program: PROGRAM })?;
        Ok(Self { program, images: images.into() })
    }

    /// QEMU, ready to boot a program on a board: no window, no serial line, a console on stderr, and files of the
    /// firmware in `folder`. `arguments` are the words of the firmware's command line.
    pub(crate) fn command(
        &self,
        board: &Board,
        program: &str,
        folder: &Path,
        arguments: &[String],
    ) -> Result<Command, QemuError> {
        let path = self.images.join(board.name).join(format!("{program}.elf"));
        let image = path.canonicalize().map_err(|_| QemuError::NoImage { path })?;
        let mut semihosting = format!("enable=on,target=native,arg={program}");
        for argument in arguments {
            // A comma separates QEMU's own options unless it stands twice.
            semihosting += &format!(",arg={}", argument.replace(',', ",,"));
        }
        let mut qemu = Command::new(&self.program);
        qemu.current_dir(folder)
            .args(["-nodefaults", "-nographic", "-monitor", "none", "-serial", "none"])
            .args(["-semihosting-config", &semihosting])
            .arg("-kernel")
            .arg(image)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Ok(qemu)
    }
}

/// Starts QEMU.
pub(crate) fn start(command: &mut Command) -> Result<Child, QemuError> {
    command.spawn().map_err(|source| QemuError::Io { what: "cannot start QEMU", source })
}

/// Waits for the end of an emulation, at most so long; it is killed then.
pub(crate) fn end(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, QemuError> {
    let begun = Instant::now();
    let failed = |source| QemuError::Io { what: "cannot wait for QEMU", source };
    while begun.elapsed() < limit {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(Some(status));
        }
        std::thread::sleep(POLL);
    }
    kill(child);
    Ok(None)
}

/// Ends an emulation as a power failure would.
pub(crate) fn kill(child: &mut Child) {
    // Either it runs and is killed, or it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}
