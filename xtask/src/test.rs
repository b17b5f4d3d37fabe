//! `cargo xtask test`: every test of the workspace, closed by one line that counts them.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::run::{Failure, cargo, shown, start};
use crate::tally::Tally;
use crate::{firmware, npm, playground, python, setup, tools, web, workspace};

/// Set for the tests' processes: the slow ones run too.
const LONG: &str = "MOTE_LONG";

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    tools::provide();

    let mut test = cargo("test");
    test.args(["--workspace", "--no-fail-fast"]);
    let long = arguments.iter().any(|argument| argument == "--long");
    if long {
        test.env(LONG, "1");
    }
    // Emulated boards run where their images could be built; without QEMU the tests themselves say so.
    if let Some(images) = firmware::images()? {
        test.env(mote_qemu::IMAGES_VARIABLE, images);
    }
    // The README's recipe in Python runs where its package can be had.
    match python::environment("tests", &workspace::root().join("tests/requirements.txt")) {
        Ok(python) => {
            test.env("MOTE_PYTHON", python);
        }
        Err(failure) => eprintln!("The README's recipe in Python will be skipped: {failure}"),
    }
    match npm::absent() {
        Some(reason) => eprintln!("Tests of pages will be skipped: {reason}."),
        None => provide_pages(&mut test)?,
    }
    test.args(arguments.iter().filter(|argument| *argument != "--long"));
    if io::stdout().is_terminal() {
        test.args(["--color", "always"]);
    }

    let text = shown(&test);
    eprintln!("$ {text}");
    let mut child = test.stdout(Stdio::piped()).spawn().map_err(|source| start(&test, source))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            tally.read(&line);
            // Whoever closed our output still wants the exit code.
            let _ = writeln!(io::stdout(), "{line}");
        }
    }
    let status = child.wait().map_err(|source| start(&test, source))?;
    println!("\n{tally}");
    if status.success() { Ok(()) } else { Err(Failure::Exit { command: text, status }) }
}

/// Builds what the tests of pages open, and says where it is. What does not build fails here, not in a skipped test.
fn provide_pages(test: &mut Command) -> Result<(), Failure> {
    let package = web::package()?;
    test.env("MOTE_PLAYGROUND", playground::build(&package)?);
    test.env("MOTE_WEB_PACKAGE", package);
    for (variable, name) in [("MOTE_BROWSER_MODULES", "browser"), ("MOTE_WEB_MODULES", "web")] {
        let packages = workspace::root().join("tests").join(name).join("package.json");
        test.env(variable, npm::environment(name, &packages)?);
    }
    Ok(())
}
