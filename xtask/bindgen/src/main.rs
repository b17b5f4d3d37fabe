//! Writes the JavaScript side of a module that was built with wasm-bindgen: `mote-bindgen MODULE.wasm FOLDER NAME`.
//!
//! A program of its own, so that `cargo xtask` does not wait for its dependencies. Linking the tool as a library pins it
//! to the version of the crate, and nobody has to install it.

use std::env;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, folder, name] = arguments.as_slice() else {
        eprintln!("usage: mote-bindgen MODULE.wasm FOLDER NAME");
        return ExitCode::from(2);
    };
    // Where the module is found is the package's own affair: the glue takes it as an argument.
    let written = Bindgen::new().input_path(module).out_name(name).web(true).and_then(|bindgen| {
        bindgen
            .omit_default_module_path(true)
            .typescript(true)
            .remove_name_section(true)
            .remove_producers_section(true)
            .generate(folder)
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{module}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
