//! Devices beside the gateway that take the same release: a microcontroller and a page, where there is an emulator for
//! the one and a browser for the other. What is absent is said, and what a reader can do about it.

use std::sync::Arc;
use std::time::Duration;

use mote_gateway::background::Background;

use super::page::{PAGE, Page};
use super::recording::Recording;
use super::screen::Screen;
use super::shelf::{STREAMED, Shelf};
use super::site::Site;
use super::watch::{Made, WATCH, Watch};
use crate::report::Failure;

/// How long a guest may take until it runs the first version.
const ARRIVAL: Duration = Duration::from_secs(60);

/// Everybody who came. They leave when dropped.
pub(super) struct Guests {
    _watch: Option<Watch>,
    _page: Option<Page>,
    /// Their names in the fleet, and what they are.
    pub(super) names: Vec<(&'static str, &'static str)>,
}

impl Guests {
    /// Invites both, and waits until each that comes runs the first version.
    pub(super) fn invite(
        site: &Site,
        shelf: &Shelf,
        recording: &Arc<Recording>,
        speed: f64,
        background: &Background,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let watch = Self::watch(site, shelf, recording, speed, screen)?;
        let page = Self::page(site, screen)?;
        let came = [watch.as_ref().map(|_| (WATCH, "a Cortex-M4F")), page.as_ref().map(|_| (PAGE, "a page"))];
        let names: Vec<_> = came.into_iter().flatten().collect();
        for &(name, what) in &names {
            let runs = background.wait(site.publisher.wait_for(name, ARRIVAL, |twin| twin.version() == Some(1)));
            runs.map_err(|error| Failure::execution("demo.guest", error).at(name))?;
            screen.say(format_args!("  {name:<9} is {what} in the fleet, and runs {STREAMED} version 1 by itself"));
        }
        Ok(Self { _watch: watch, _page: page, names })
    }

    fn watch(
        site: &Site,
        shelf: &Shelf,
        recording: &Arc<Recording>,
        speed: f64,
        screen: Screen,
    ) -> Result<Option<Watch>, Failure> {
        let emulator = match Watch::emulator() {
            Ok(emulator) => emulator,
            Err(missing) => {
                screen.say(format_args!("  no microcontroller: {missing}"));
                return Ok(None);
            }
        };
        let (folder, stream) = &shelf.streamed;
        let package = shelf.find(STREAMED, 1)?.tested.sign(None, 0, &site.keys.release)?;
        let device = recording.devices.first().map_or("", |device| device.name.as_str());
        let made = Made {
            package: &package,
            keys: &site.keys,
            stream: folder.join(&stream.file),
            series: device,
            window: recording.window,
            hop: recording.hop,
            // A saturating cast; the least is a millisecond.
            every_ms: ((1000.0 / (recording.rate * speed)) as u32).max(1),
            broker_port: site.version_5_port(),
        };
        Watch::start(&emulator, site, &made).map(Some)
    }

    fn page(site: &Site, screen: Screen) -> Result<Option<Page>, Failure> {
        let Some(address) = site.page() else {
            screen.say(format_args!("  no page: {}", Page::folder().err().unwrap_or_default()));
            return Ok(None);
        };
        match Page::browser() {
            Ok(browser) => Page::open(&browser, &address, &site.folder().join("browser")).map(Some),
            Err(missing) => {
                screen.say(format_args!("  no page: {missing}; in a browser of yours this is one: {address}"));
                Ok(None)
            }
        }
    }
}
