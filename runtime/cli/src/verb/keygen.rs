use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mote_seal::{Role, Standing};
use serde_json::json;

use crate::console::Console;
use crate::keys;
use crate::report::Failure;

/// Options of `mote keygen`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Where the secret key goes; the public one goes beside it as FILE.pub
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What the key may sign
    #[arg(long, value_enum, default_value_t)]
    role: RoleArg,
    /// Mark whatever the key signs as made on a developer's machine
    #[arg(long)]
    development: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum RoleArg {
    /// Releases of compiled models
    #[default]
    Release,
    /// Orders to devices
    Assignment,
    /// Releases of hand-written guests
    Foreign,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let role = match options.role {
        RoleArg::Release => Role::Release,
        RoleArg::Assignment => Role::Assignment,
        RoleArg::Foreign => Role::Foreign,
    };
    let standing = if options.development { Standing::Development } else { Standing::Production };
    let key = keys::generate(role, standing)?;
    keys::write_secret(&options.output, &key)?;
    let mut public = options.output.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    let line = key.trusted().to_string();
    std::fs::write(&public, format!("{line}\n"))
        .map_err(|error| Failure::usage("key.unwritable", error).at(public.display()))?;
    console.note(format_args!("secret key in {}: keep it offline", options.output.display()));
    console.data(
        || {
            json!({
                "id": key.public().id().to_string(),
                "role": role.name(),
                "standing": standing.name(),
                "public": line,
                "secret_file": options.output.display().to_string(),
                "public_file": public.display().to_string(),
            })
        },
        || line.clone(),
    )
}
