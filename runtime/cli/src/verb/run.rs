use std::path::{Path, PathBuf};

use clap::Args;
use mote_compiler::States;
use mote_plan::Meta;
use serde_json::json;

use crate::args::{CodeArgs, DimArgs, StateArgs, TrustArgs};
use crate::bind;
use crate::console::Console;
use crate::prepare::{self, Inputs};
use crate::report::Failure;
use crate::runner::Runner;
use crate::source::Request;
use crate::stream::{self, Frames};
use crate::tensors::{Array, TensorError, given, json, npz, show};

/// Options of `mote run`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The model: .onnx, .wasm, .plan or .mote
    model: PathBuf,
    /// Arrays named like the model's inputs: a file (.npz, .npy, .json, .csv), - for JSON or CSV from standard input,
    /// or the numbers themselves, as in '5.1,3.5,1.4,0.2'
    #[arg(short, long, value_name = "FILE", allow_hyphen_values = true)]
    input: Option<String>,
    /// Frames for a model that carries state: arrays named like its inputs with one more axis in front. Arrays without it
    /// hold for every frame, or are the first state, which is zero if not given
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    stream: Option<String>,
    #[command(flatten)]
    state: StateArgs,
    /// Where the outputs go (.npz, .npy, .json); printed if not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    dims: DimArgs,
    #[command(flatten)]
    code: CodeArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    if let Some(argument) = &options.stream {
        return stream(options, argument, console);
    }
    if options.state.states() != States::Recognised {
        return Err(Failure::usage("usage.state", "only a stream has state").at("--state").hint("--stream FILE"));
    }
    let given = match &options.input {
        Some(argument) => given::read(argument).map_err(|error| Failure::tensors(&error).at(argument))?,
        None => Vec::new(),
    };
    let (vouched, inputs) =
        prepare::model(&options.model, given, &options.dims, &options.code, &options.trust, console)?;
    let opened = vouched.open()?;
    let mut runner =
        Runner::start(&opened, &options.code, &options.trust, console).map_err(|f| f.at(options.model.display()))?;
    let tensors = match inputs {
        Inputs::Paired(tensors) => tensors,
        Inputs::Given(given) => {
            let first = runner.signatures.first().map(|signature| signature.inputs.as_slice()).unwrap_or_default();
            let names: Vec<&str> = first.iter().map(|slot| slot.name.as_str()).collect();
            prepare::pair(given, &names, console)?
        }
    };
    let tensors = tensors.into_iter().map(|tensor| tensor.numbered(&runner.meta.words)).collect();
    let calls = bind::calls(tensors, &runner.signatures)?;
    let outputs = {
        let _progress = console.progress("running");
        runner.infer(&calls)?
    };
    answer(options, &outputs, &runner.meta, calls.repeats, console)
}

/// Calls the first entry for each frame.
fn stream(options: &Options, argument: &str, console: Console) -> Result<(), Failure> {
    let given = given::read(argument).map_err(|error| Failure::tensors(&error).at(argument))?;
    let given = stream::named(given);
    let request = Request {
        dims: options.dims.dims.clone(),
        bounds: options.dims.bounds.clone(),
        state: options.state.states(),
        ..Request::default()
    };
    let vouched = prepare::streaming(&options.model, &given, request, &options.code, &options.trust, console)?;
    let opened = vouched.open()?;
    let mut runner =
        Runner::start(&opened, &options.code, &options.trust, console).map_err(|f| f.at(options.model.display()))?;
    let first = runner.signatures.first();
    let first = first.ok_or_else(|| Failure::model("model.no-entry", "the model has no entry"))?;
    let frames = Frames::new(given, first, &runner.meta.state)?;
    let outputs = {
        let _progress = console.progress("running");
        runner.stream(0, &frames)?
    };
    answer(options, &outputs, &runner.meta, frames.count, console)
}

/// Writes the outputs where they shall go, or prints them.
fn answer(
    options: &Options,
    outputs: &[(String, Array)],
    meta: &Meta,
    calls: usize,
    console: Console,
) -> Result<(), Failure> {
    if let Some(path) = &options.output {
        write(path, outputs, meta).map_err(|error| unwritten(&error).at(path.display()))?;
        return console.data(|| json!({ "output": path.display().to_string(), "calls": calls }), String::new);
    }
    console.data(
        || {
            json!({
                "model": meta.name,
                "version": meta.version,
                "calls": calls,
                "outputs": json::described(outputs, meta),
            })
        },
        || {
            let texts = outputs.iter().enumerate().map(|(index, (name, array))| {
                let words = meta.texts.contains(name).then_some(meta.words.as_slice());
                show::text(name, array, columns(meta, index, name), words)
            });
            texts.collect()
        },
    )
}

/// The names of an output's columns: its own, or the labels of the first output.
fn columns<'m>(meta: &'m Meta, index: usize, name: &str) -> &'m [String] {
    match meta.columns.iter().find(|columns| columns.tensor == name) {
        Some(columns) => &columns.names,
        None if index == 0 => &meta.labels,
        None => &[],
    }
}

/// Writes the outputs in the format that the file's name says.
fn write(path: &Path, outputs: &[(String, Array)], meta: &Meta) -> Result<(), TensorError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npz") => npz::write_file(path, outputs),
        Some("npy") => npz::write_single(path, outputs),
        Some("json") => Ok(std::fs::write(path, format!("{}\n", json::object(outputs, meta)))?),
        _ => Err(TensorError::OutputFormat { path: path.display().to_string() }),
    }
}

fn unwritten(error: &TensorError) -> Failure {
    match error {
        TensorError::OutputFormat { .. } | TensorError::OutputCount { .. } => Failure::usage("output.format", error),
        _ => Failure::execution("output.unwritable", error),
    }
}
