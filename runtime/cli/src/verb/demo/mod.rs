//! `mote demo`: the whole journey on one machine, told as it happens and checked as it is told.
//!
//! [`shelf`] compiles, [`site`] starts broker and gateway, [`devices`] replay a [`recording`], [`guests`] are a
//! microcontroller and a page in the same fleet, [`observer`] enters what is answered into the [`ledger`], [`offers`]
//! pushes releases good and bad. [`story`] is the order of it all.

mod devices;
mod guests;
mod ledger;
mod observer;
mod offers;
mod page;
mod recording;
mod screen;
mod shelf;
mod site;
mod story;
mod summary;
mod watch;

use std::path::PathBuf;

use clap::Args;
use mote_gateway::background::{Background, asked_to_stop};

use crate::console::Console;
use crate::report::Failure;
use screen::Screen;
use story::Stage;

/// Options of `mote demo`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The folder of models; looked for here and above if not given
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// End with the summary instead of running on
    #[arg(long)]
    once: bool,
    /// How much faster than recorded the devices send
    #[arg(long, value_name = "TIMES", default_value_t = 12.0, value_parser = positive)]
    speed: f64,
}

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    if (0.1..=1000.0).contains(&value) { Ok(value) } else { Err("expected 0.1 to 1000".into()) }
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let screen = Screen::new(console);
    let models = shelf::locate(options.models.as_deref())?;
    let background = Background::start().map_err(|error| Failure::execution("demo.thread", error))?;
    let mut stage = Stage::set(&models, options.speed, &background, screen)?;
    stage.watch_the_first_version()?;
    stage.push_the_second()?;
    stage.push_tampered_ones()?;
    if !options.once {
        stage.invite();
        background.wait(asked_to_stop()).map_err(|error| Failure::execution("demo.signal", error))?;
    }
    let summary = stage.close()?;
    console.data(|| summary.json(), || summary.text())?;
    summary.verdict()
}
