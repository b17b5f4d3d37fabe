use std::path::{Path, PathBuf};

use clap::Args;
use mote_compiler::Budget;
use mote_host::Host;
use mote_release::{Draft, Facts, Package, Target};
use mote_seal::{Digest, SigningKey};
use serde_json::{Value, json};

use crate::args::{ModelArgs, TrustArgs, targets};
use crate::console::Console;
use crate::report::Failure;
use crate::source::{OnnxFile, Request, Source, guest_image};
use crate::{golden, keys, trust};

/// Options of `mote release`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// ONNX models, or folders with a model.toml, of which the newest version is taken
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// The folder of releases; what lies there of other models and versions stays
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    model_args: ModelArgs,
    /// The places to make it for: gateway, browser, browser:strict, browser:fast, mcu, mcu:CORE
    #[arg(long = "target", value_name = "PLACE,..", value_parser = targets, default_value = "gateway,browser,mcu")]
    targets: TargetList,
    /// What every microcontroller has room for, as in flash=256K,ram=64K; a model that needs more is refused
    #[arg(long, value_name = "SIZES")]
    budget: Option<Budget>,
    /// Lowest version that may still run once this release is committed
    #[arg(long, default_value_t = 0)]
    floor: u64,
    /// Secret key file, as `mote keygen` writes it; this user's development key if not given
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Folder of recorded inputs, NAME.in.npz, for the golden vectors; those of model.toml, else generated inputs, if not given
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

/// clap would take a bare vector for an option that may be repeated.
type TargetList = std::vec::Vec<Target>;

/// What is made into one release.
struct Subject {
    file: OnnxFile,
    cases: Vec<PathBuf>,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let key = match &options.key {
        Some(path) => keys::read_secret(path)?,
        None => keys::development()?,
    };
    let host = trust::host(&TrustArgs::default())?;
    let (mut text, mut json) = (String::new(), Vec::new());
    for model in &options.models {
        let package = release(model, options, &host, &key, console).map_err(|failure| failure.at(model.display()))?;
        let sealed = package.write(&options.output)?;
        text += &shown(&package, &sealed, &key);
        json.push(described(&package, &sealed, &key));
    }
    console.data(|| json!({ "releases": json }), || text)
}

fn release(
    model: &Path,
    options: &Options,
    host: &Host,
    key: &SigningKey,
    console: Console,
) -> Result<Package, Failure> {
    let Subject { file, cases } = subject(model, options)?;
    let request = Request { budget: options.budget.unwrap_or_default(), ..options.model_args.request() };
    let draft = {
        let _progress = console.progress("compiling");
        Draft::compile(&file.bytes, &file.options(&request)?, &options.targets, &guest_image())?
    };
    let calls = golden::calls(&draft, &cases)?;
    let _progress = console.progress("testing");
    Ok(draft.test(&calls, host, &guest_image())?.sign(None, options.floor, key)?)
}

/// The ONNX file of an argument, and its recorded inputs.
fn subject(model: &Path, options: &Options) -> Result<Subject, Failure> {
    let (path, facts) = if model.is_dir() {
        let facts = Facts::read(&model.join(Facts::FILE))?;
        let version = facts.select(options.model_args.version).ok_or_else(|| {
            Failure::usage("release.version", "model.toml lists no such version").hint("its [[versions]] name files")
        })?;
        (model.join(&version.file), Some(facts))
    } else {
        (model.to_path_buf(), Facts::beside(model)?)
    };
    let Source::Onnx(file) = Source::read(&path)? else {
        return Err(Failure::model("model.form", "compiled already").hint("mote sign seals compiled models"));
    };
    let stated = facts.as_ref().and_then(|facts| facts.version_of(&path)?.cases.clone());
    let folder = options.cases.clone().or_else(|| stated.map(|cases| path.with_file_name(cases)));
    let cases = folder.as_deref().map(golden::recorded).transpose()?.unwrap_or_default();
    Ok(Subject { file, cases })
}

fn described(package: &Package, sealed: &[PathBuf], key: &SigningKey) -> Value {
    let artifacts: Vec<Value> = package
        .artifacts
        .iter()
        .zip(sealed)
        .map(|(artifact, file)| {
            json!({
                "class": artifact.class.to_string(),
                "variant": artifact.variant,
                "sha256": Digest::of(&artifact.bytes).to_string(),
                "bytes": artifact.bytes.len(),
                "file": file.display().to_string(),
            })
        })
        .collect();
    let golden = package.golden.as_ref();
    json!({
        "model": package.model,
        "version": package.version,
        "release": package.digest.to_string(),
        "key": { "id": key.public().id().to_string(), "standing": key.standing().name() },
        "golden": golden.map(|bytes| json!({ "sha256": Digest::of(bytes).to_string(), "bytes": bytes.len() })),
        "artifacts": artifacts,
    })
}

fn shown(package: &Package, sealed: &[PathBuf], key: &SigningKey) -> String {
    let (id, standing) = (key.public().id(), key.standing().name());
    let mut text = format!("{} version {}, signed with {standing} key {id}\n", package.model, package.version);
    for (artifact, file) in package.artifacts.iter().zip(sealed) {
        let (class, variant, bytes) = (artifact.class, &artifact.variant, artifact.bytes.len());
        text += &format!("  {:<16} {bytes:>9} bytes  {}\n", format!("{class}:{variant}"), file.display());
    }
    let golden = package.golden.as_ref().map_or(0, Vec::len);
    text + &format!("  golden vectors   {golden:>9} bytes\n")
}
