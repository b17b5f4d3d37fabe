//! One part of a fleet as a process of its own, for tests that kill it. usage: fleet-part broker PORT | gateway MOTE.toml
//!
//! Prints a line when it serves, and serves until its standard input ends, as it does with its parent.

use std::error::Error;
use std::io::Read;
use std::path::Path;

use mote_gateway::background::Background;
use mote_gateway::config::Config;
use mote_gateway::{broker, serve};
use mote_weld::Image;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, argument] = arguments.as_slice() else { return Err("broker PORT | gateway MOTE.toml".into()) };
    let background = Background::start()?;
    let _served = match role.as_str() {
        "broker" => {
            broker::start_on(argument.parse()?)?;
            None
        }
        _ => {
            let image = mote_guest_image::image();
            let image = Image { wasm: image.wasm, digest: image.digest };
            Some(background.wait(serve::start(Config::load(Path::new(argument))?, image))?)
        }
    };
    println!("ready to serve");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
