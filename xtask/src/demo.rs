//! `cargo xtask demo`: the whole journey on screen, with a microcontroller and a page where they can be had.

use crate::run::{Failure, cargo, run};
use crate::{firmware, npm, playground, setup, web};

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    // Without --package, so that every verb builds with the features of the whole workspace: one build serves all.
    let mut demo = cargo("run");
    demo.args(["--bin", "mote", "--", "demo"]).args(arguments);
    if let Some(images) = firmware::images()? {
        demo.env(mote_qemu::IMAGES_VARIABLE, images);
    }
    match npm::absent() {
        Some(reason) => eprintln!("The demonstration goes without a page: {reason}."),
        None => _ = demo.env("MOTE_PLAYGROUND", playground::build(&web::package()?)?),
    }
    run(&mut demo)
}
