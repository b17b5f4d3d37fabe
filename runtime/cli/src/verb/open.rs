use std::path::PathBuf;

use clap::Args;
use mote_seal::{Kind, Opened};
use serde_json::{Value, json};

use crate::args::TrustArgs;
use crate::console::Console;
use crate::report::Failure;
use crate::source::Source;
use crate::trust::Vouched;

/// Options of `mote open`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A sealed model (.mote)
    model: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// Where to write the artifact once everything has been checked
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let Source::Sealed(bytes) = Source::read(&options.model)? else {
        return Err(Failure::model("seal.not-sealed", "not a sealed model")
            .at(options.model.display())
            .hint("mote sign MODEL.wasm makes MODEL.mote"));
    };
    let vouched = Vouched::sealed(&bytes, &options.trust).map_err(|failure| failure.at(options.model.display()))?;
    let opened = vouched.open()?;
    if let Some(path) = &options.output {
        std::fs::write(path, opened.artifact())
            .map_err(|error| Failure::execution("output.unwritable", error).at(path.display()))?;
    }
    console.data(|| described(&opened), || shown(&opened))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Plan => "plan",
        Kind::Module => "module",
        Kind::Foreign => "foreign",
    }
}

fn standing(opened: &Opened<'_>) -> &'static str {
    if opened.is_development() { "development" } else { "production" }
}

fn described(opened: &Opened<'_>) -> Value {
    let release = opened.release();
    let artifacts: Vec<Value> = release
        .artifacts
        .iter()
        .map(|listed| {
            json!({
                "class": listed.class.to_string(),
                "variant": listed.variant,
                "kind": kind_name(listed.kind),
                "sha256": listed.blob.digest.to_string(),
                "bytes": listed.blob.length,
            })
        })
        .collect();
    json!({
        "model": release.model,
        "version": release.version,
        "floor": release.floor,
        "release": opened.release_digest().to_string(),
        "key": { "id": opened.key().to_string(), "standing": standing(opened) },
        "compiler": release.compiler,
        "artifact": opened.digest().to_string(),
        "golden": release.golden.map(|golden| json!({ "sha256": golden.digest.to_string(), "bytes": golden.length })),
        "artifacts": artifacts,
    })
}

fn shown(opened: &Opened<'_>) -> String {
    let release = opened.release();
    let mut text = format!(
        "{} version {}, floor {}\nrelease   {}\nsigned by {} key {}\ncompiler  {}\n",
        release.model,
        release.version,
        release.floor,
        opened.release_digest(),
        standing(opened),
        opened.key(),
        release.compiler,
    );
    for listed in release.artifacts.iter() {
        let held = if listed.blob.digest == opened.digest() { "held" } else { "elsewhere" };
        text += &format!(
            "{:<9} {} {} {} bytes {} ({held})\n",
            kind_name(listed.kind),
            listed.class,
            listed.variant,
            listed.blob.length,
            listed.blob.digest,
        );
    }
    if let Some(golden) = release.golden {
        text += &format!("golden    {} bytes {}\n", golden.length, golden.digest);
    }
    text
}
