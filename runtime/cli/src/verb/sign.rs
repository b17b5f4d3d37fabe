use std::path::PathBuf;

use clap::Args;
use mote_release::{Draft, Target};
use mote_seal::{Digest, Kind};
use serde_json::json;

use crate::args::{TrustArgs, targets};
use crate::console::Console;
use crate::report::Failure;
use crate::source::{Source, guest_image, model_name};
use crate::{golden, keys, trust};

/// Options of `mote sign`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A compiled model (.wasm or .plan), or a hand-written guest
    model: PathBuf,
    /// Where the sealed model goes; MODEL.mote if not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Secret key file, as `mote keygen` writes it; this user's development key if not given
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Version of the release; the model's own if not given
    #[arg(long)]
    version: Option<u64>,
    /// Lowest version that may still run once this release is committed
    #[arg(long, default_value_t = 0)]
    floor: u64,
    /// The places that may run it: gateway, browser:strict, browser:fast, mcu, mcu:CORE. A .plan is for gateways and a
    /// .wasm for gateways and pages if not given
    #[arg(long = "target", value_name = "PLACE,..", value_parser = targets)]
    targets: Option<TargetList>,
    /// Folder of recorded inputs, NAME.in.npz, for the golden vectors; generated inputs if not given
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

/// clap would take a bare vector for an option that may be repeated.
type TargetList = std::vec::Vec<Target>;

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let Source::Plain(artifact) = Source::read(&options.model)? else {
        return Err(Failure::model("seal.kind", "only a compiled model can be signed")
            .at(options.model.display())
            .hint("mote release MODEL.onnx -o DIR compiles and signs it for every place"));
    };
    let key = match &options.key {
        Some(path) => keys::read_secret(path)?,
        None => keys::development()?,
    };
    let draft = match artifact.kind {
        Kind::Foreign => Draft::foreign(&model_name(&options.model), artifact.bytes),
        kind => Draft::of_file(kind, artifact.bytes, options.targets.as_deref().unwrap_or_default())?,
    };
    let cases = options.cases.as_deref().map(golden::recorded).transpose()?.unwrap_or_default();
    let calls = golden::calls(&draft, &cases)?;
    let tested = {
        let _progress = console.progress("testing");
        draft.test(&calls, &trust::host(&TrustArgs::default())?, &guest_image())?
    };
    let package = tested.sign(options.version, options.floor, &key)?;
    let first = package.artifacts.first().ok_or(mote_release::ReleaseError::NoTarget)?;
    let sealed = package.sealed(first.class, &first.variant)?;
    let output = options.output.clone().unwrap_or_else(|| options.model.with_extension("mote"));
    std::fs::write(&output, &sealed)
        .map_err(|error| Failure::execution("output.unwritable", error).at(output.display()))?;
    let (id, standing) = (key.public().id().to_string(), key.standing().name());
    let places: Vec<String> = package.artifacts.iter().map(|each| format!("{}:{}", each.class, each.variant)).collect();
    let (model, version) = (&package.model, package.version);
    console.data(
        || {
            json!({
                "file": output.display().to_string(),
                "model": model,
                "version": version,
                "floor": options.floor,
                "bytes": sealed.len(),
                "artifact": Digest::of(&first.bytes).to_string(),
                "release": package.digest.to_string(),
                "places": places,
                "golden_bytes": package.golden.as_ref().map(Vec::len),
                "key": { "id": id, "standing": standing },
            })
        },
        || {
            let file = output.display();
            format!("{file}: {model} version {version} for {}, signed with {standing} key {id}", places.join(", "))
        },
    )
}
