//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mote_compiler::{Precision, States};
use mote_plan::StatePair;
use mote_release::Target;

use crate::source::Request;
use crate::verb;

/// Compiles trained models into small sealed WebAssembly guests and runs them.
#[derive(Parser, Debug)]
#[command(name = "mote", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Print results as one JSON document, and errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// One file of `verb/` each.
#[derive(Subcommand, Debug)]
pub(crate) enum Verb {
    /// Compile an ONNX model into a WebAssembly module or a Plan
    Compile(verb::compile::Options),
    /// Say what of an ONNX model will work, what will not, and what can be done
    Check(verb::check::Options),
    /// List the operators that a model may use
    Ops(verb::ops::Options),
    /// Run a model on input arrays
    Run(verb::run::Options),
    /// Show what a model is made of
    Inspect(verb::inspect::Options),
    /// Compare every way to run a model with recorded outputs and with each other
    Verify(verb::verify::Options),
    /// Measure cold start and latency
    Bench(verb::bench::Options),
    /// Make a signing key
    Keygen(verb::keygen::Options),
    /// Sign one compiled model: X.wasm or X.plan becomes X.mote
    Sign(verb::sign::Options),
    /// Compile, test and sign a model for every place: one release, and a sealed file for each
    Release(verb::release::Options),
    /// Bring the devices of a fleet to a release, and wait until they have it
    Push(verb::push::Options),
    /// Check a sealed model's signature and show what it releases
    Open(verb::open::Options),
    /// Serve sealed models over HTTP and MQTT
    Serve(verb::serve::Options),
    /// Show the whole journey: compile, serve, replay recorded sensors, update, refuse what was tampered with
    Demo(verb::demo::Options),
    /// Show what this machine offers
    Doctor(verb::doctor::Options),
    /// Print a shell's completion script
    Completions(verb::completions::Options),
}

/// How symbolic dimensions get their sizes, and lists whose length depends on data their room.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct DimArgs {
    /// Size of a symbolic dimension of an .onnx, repeatable
    #[arg(long = "dim", value_name = "NAME=SIZE", value_parser = named_size)]
    pub(crate) dims: Vec<(String, usize)>,
    /// Most results of a node of an .onnx whose number of results depends on data, by its name or an output's; repeatable
    #[arg(long = "bound", value_name = "NAME=COUNT", value_parser = named_size)]
    pub(crate) bounds: Vec<(String, usize)>,
}

/// What a streaming model carries from call to call.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct StateArgs {
    /// An output of an .onnx that is an input of the next call, as in stateN=state; repeatable. Names like h and hn are
    /// recognised where none is given; `none` says that there is no state
    #[arg(long = "state", value_name = "OUT=IN", value_parser = state_pair)]
    states: Vec<Option<StatePair>>,
}

impl StateArgs {
    pub(crate) fn states(&self) -> States {
        if self.states.is_empty() {
            return States::Recognised;
        }
        States::Stated(self.states.iter().flatten().cloned().collect())
    }
}

/// How a model is compiled, beside what its file and a model.toml say.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    dims: DimArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Shape of an input, as in x=1,3,224,224; repeatable
    #[arg(long = "shape", value_name = "NAME=DIMS", value_parser = named_shape)]
    shapes: Vec<(String, Vec<usize>)>,
    /// Batch sizes, one entry each over one copy of the weights
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    entry_batches: Vec<u32>,
    /// The model's name; that of model.toml, the file or its folder if not given
    #[arg(long)]
    name: Option<String>,
    /// The model's version, growing with every release; that of model.toml, else 1, if not given
    #[arg(long)]
    pub(crate) version: Option<u64>,
    /// Class names of the first output's last axis
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    labels: Vec<String>,
    /// What a scikit-learn estimator or a booster is computed in: f32, or f64 as it was fitted
    #[arg(long, default_value_t)]
    precision: Precision,
}

impl ModelArgs {
    pub(crate) fn request(&self) -> Request {
        Request {
            dims: self.dims.dims.clone(),
            bounds: self.dims.bounds.clone(),
            shapes: self.shapes.clone(),
            batches: self.entry_batches.clone(),
            name: self.name.clone(),
            version: self.version,
            labels: self.labels.clone(),
            precision: self.precision,
            state: self.state.states(),
            ..Request::default()
        }
    }
}

/// Which code runs, and how.
#[derive(Args, Debug, Clone, Copy)]
pub(crate) struct CodeArgs {
    /// What executes the model
    #[arg(long, value_enum, default_value_t)]
    pub(crate) host: HostKind,
    /// strict: the same bits on every machine; fast: fused multiply-add, within a tolerance
    #[arg(long, value_enum, default_value_t)]
    pub(crate) profile: ProfileArg,
    /// Code derived for this machine, or the code in the file as a page would run it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) code: CodeArg,
}

/// Whom to trust and where to keep compiled code.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct TrustArgs {
    /// File of public keys to trust instead of trusted.keys in mote's folder, repeatable
    #[arg(long = "keys", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// Compile anew and keep nothing
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Whether hand-written guests without a Plan may run, and with which imports
    #[arg(long, value_enum, default_value_t)]
    pub(crate) foreign: ForeignArg,
}

/// What a hand-written guest may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForeignArg {
    /// Not run at all
    #[default]
    Refuse,
    /// Run without any import, and be stopped at a deadline
    Sandbox,
    /// Have standard error, clocks and random bytes of WASI preview 1 too
    Wasi,
}

/// What executes a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostKind {
    /// The wasm guest, sandboxed
    #[default]
    Wasmtime,
    /// The same kernels as native code, on the same Plan
    Native,
}

/// What arithmetic the code may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    #[default]
    Strict,
    Fast,
}

impl From<ProfileArg> for mote_weld::Profile {
    fn from(arg: ProfileArg) -> Self {
        match arg {
            ProfileArg::Strict => Self::Strict,
            ProfileArg::Fast => Self::Fast,
        }
    }
}

/// Whose code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodeArg {
    #[default]
    Derived,
    File,
}

impl From<CodeArg> for mote_host::Code {
    fn from(arg: CodeArg) -> Self {
        match arg {
            CodeArg::Derived => Self::Derived,
            CodeArg::File => Self::File,
        }
    }
}

fn state_pair(text: &str) -> Result<Option<StatePair>, String> {
    if text == "none" {
        return Ok(None);
    }
    let (output, input) = text.split_once('=').ok_or("expected OUT=IN, or none")?;
    Ok(Some(StatePair { output: output.into(), input: input.into() }))
}

fn named_shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let (name, dims) = text.rsplit_once('=').ok_or("expected NAME=DIMS")?;
    let dims: Result<Vec<usize>, _> = dims.split(',').map(|dim| dim.trim().parse()).collect();
    Ok((name.into(), dims.map_err(|_| format!("{text:?}: expected sizes like 1,3,224,224"))?))
}

/// The places that a list of words means.
pub(crate) fn targets(text: &str) -> Result<Vec<Target>, String> {
    let words = text.split(',').map(|word| Target::named(word.trim()));
    let lists = words.collect::<Result<Vec<_>, _>>().map_err(|error| format!("{text:?}: {error}"))?;
    Ok(lists.concat())
}

fn named_size(text: &str) -> Result<(String, usize), String> {
    let (name, size) = text.split_once('=').ok_or("expected NAME=SIZE")?;
    let size: usize = size.parse().map_err(|_| format!("{size:?} is not a size"))?;
    if name.is_empty() || size == 0 {
        return Err("expected a name and a size of at least 1".into());
    }
    Ok((name.into(), size))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn no_two_arguments_of_a_verb_collide() {
        super::Cli::command().debug_assert();
    }
}
