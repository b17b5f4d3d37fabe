//! `cargo xtask test`: every test of the workspace, closed by one line that counts them. With `--long`, what the tests
//! measured is written to `tests/LONG.md`; with `--conformance`, `conformance.rs` runs instead.

use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::run::{Failure, cargo, shown, start};
use crate::tally::Tally;
use crate::{conformance, firmware, npm, origin, playground, python, setup, tools, web, workspace};

/// Set for the tests' processes: the slow ones run too.
const LONG: &str = "MOTE_LONG";
/// Begins a line in which a test says what it measured.
const MEASURED: &str = "measured: ";

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    tools::provide();
    if arguments.iter().any(|argument| argument == "--conformance") {
        return conformance::verb();
    }

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
    if io::stdout().is_terminal() {
        test.args(["--color", "always"]);
    }
    test.args(arguments.iter().filter(|argument| *argument != "--long"));
    if long && !arguments.iter().any(|argument| argument == "--") {
        // Else the harness keeps to itself what a test that passes has measured.
        test.args(["--", "--show-output"]);
    }

    let text = shown(&test);
    eprintln!("$ {text}");
    let mut child = test.stdout(Stdio::piped()).spawn().map_err(|source| start(&test, source))?;
    let (mut tally, mut measured) = (Tally::default(), String::new());
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            tally.read(&line);
            if let Some(what) = line.strip_prefix(MEASURED) {
                measured += &format!("- {what}\n");
            }
            // Whoever closed our output still wants the exit code.
            let _ = writeln!(io::stdout(), "{line}");
        }
    }
    let status = child.wait().map_err(|source| start(&test, source))?;
    println!("\n{tally}");
    if !status.success() {
        return Err(Failure::Exit { command: text, status });
    }
    if long { record(&measured, &tally) } else { Ok(()) }
}

/// Keeps what the long tests measured, with commit and machine.
fn record(measured: &str, tally: &Tally) -> Result<(), Failure> {
    let path = workspace::root().join("tests/LONG.md");
    let page = format!(
        "# What the long tests measured\n\nWritten by `cargo xtask test --long`: commit {} on {}; {tally}.\n\n{measured}",
        origin::commit(),
        origin::machine()
    );
    fs::write(&path, page).map_err(|source| Failure::File { path, source })
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
