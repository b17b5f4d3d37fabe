use std::path::PathBuf;

use clap::Args;
use mote_seal::{Hashed, Kind, seal};
use serde_json::json;

use crate::console::Console;
use crate::report::Failure;
use crate::source::{Source, legal_name, model_name, plan_bytes, view};
use crate::{keys, signature, trust};

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
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let Source::Plain(artifact) = Source::read(&options.model)? else {
        return Err(Failure::model("seal.kind", "only a compiled model can be signed")
            .at(options.model.display())
            .hint("mote compile MODEL.onnx -o MODEL.wasm"));
    };
    let key = match &options.key {
        Some(path) => keys::read_secret(path)?,
        None => keys::development()?,
    };
    let (name, own_version) = match artifact.kind {
        Kind::Foreign => (model_name(&options.model), 0),
        kind => {
            let plan = plan_bytes(kind, &artifact.bytes)?;
            let meta = signature::meta(&view(&plan)?)?;
            (legal_name(&meta.name), meta.version)
        }
    };
    let version = options.version.unwrap_or(own_version);
    let kind = artifact.kind;
    let bytes = Hashed::new(artifact.bytes);
    let release = trust::LocalRelease { kind, model: &name, version, floor: options.floor };
    let manifest = trust::manifest(&bytes, &release, &key)?;
    let sealed = seal(&manifest, bytes.bytes()).map_err(|error| Failure::usage("seal.unsignable", error))?;
    let output = options.output.clone().unwrap_or_else(|| options.model.with_extension("mote"));
    std::fs::write(&output, &sealed)
        .map_err(|error| Failure::execution("output.unwritable", error).at(output.display()))?;
    let (id, standing) = (key.public().id().to_string(), key.standing().name());
    console.data(
        || {
            json!({
                "file": output.display().to_string(),
                "model": name,
                "version": version,
                "floor": options.floor,
                "bytes": sealed.len(),
                "artifact": bytes.digest().to_string(),
                "key": { "id": id, "standing": standing },
            })
        },
        || format!("{}: {name} version {version}, signed with {standing} key {id}", output.display()),
    )
}
