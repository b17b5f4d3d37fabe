//! The playground, which the gateway serves, in a browser without a window. The page opens the model by itself, replays
//! the recorded stream through it, and is a device of the fleet over WebSocket.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::shelf::STREAMED;
use super::site::FLEET;
use crate::report::Failure;

/// The device's name.
pub(super) const PAGE: &str = "page";
/// Names the folder of the built playground; `cargo xtask demo` sets it.
pub(super) const FOLDER: &str = "MOTE_PLAYGROUND";
/// Names the browser, where it is none of [`BROWSERS`].
const BROWSER: &str = "MOTE_CHROMIUM";
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Times the recorded speed.
const SPEED: u32 = 16;

/// A browser that shows the page. Closed when dropped.
pub(super) struct Page(Child);

impl Page {
    /// The built playground, or why there is none.
    pub(super) fn folder() -> Result<PathBuf, String> {
        let folder = std::env::var_os(FOLDER).map(PathBuf::from).filter(|folder| folder.join("index.html").is_file());
        folder.ok_or_else(|| format!("{FOLDER} names no built playground; `cargo xtask demo` builds it"))
    }

    /// The address under which the page is a device at once.
    pub(super) fn address(http: std::net::SocketAddr, websocket: u16) -> String {
        let broker = format!("ws://127.0.0.1:{websocket}");
        format!("http://{http}/#model={STREAMED}&fleet={FLEET}&device={PAGE}&url={broker}&connect=1&play={SPEED}")
    }

    /// The browser, or that there is none.
    pub(super) fn browser() -> Result<PathBuf, String> {
        if let Some(named) = std::env::var_os(BROWSER) {
            return Ok(named.into());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut candidates = std::env::split_paths(&path).flat_map(|dir| BROWSERS.map(|name| dir.join(name)));
        candidates.find(|program| program.is_file()).ok_or_else(|| format!("{} is not installed", BROWSERS[0]))
    }

    /// Opens the page, with a profile of its own in `profile`.
    pub(super) fn open(browser: &Path, address: &str, profile: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(browser);
        command
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            // Without it a browser without a window ends once the page has loaded.
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().map_err(|error| Failure::execution("demo.page", error).at(browser.display()))?;
        Ok(Self(child))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
