//! The whole way from a model file to a Plan.

use std::fmt::{self, Write};
use std::str::FromStr;

use mote_abi::DType;
use mote_plan::{Columns, Meta, StatePair};
use sha2::{Digest, Sha256};

use crate::budget::{Budget, OverBudget};
use crate::error::ImportError;
use crate::graph::{Graph, Value};
use crate::import::{self, Dim, ImportOptions, InputSpec, Model, Preparation, Survey};
use crate::lower::{self, EntryGraph, LowerError, Lowered, Report, Target, Weights};
use crate::passes;
use crate::sklearn::{self, Estimator, EstimatorError};
use crate::state::{self, States};

/// Name and version that every Plan records.
pub const COMPILER: &str = concat!("mote-compiler ", env!("CARGO_PKG_VERSION"));

/// What a Plan shall be and say.
#[derive(Clone, Debug, Default)]
pub struct CompileOptions {
    /// Model name, 1 to 64 characters of `[A-Za-z0-9_-]`.
    pub name: String,
    /// Model version, growing with each release.
    pub version: u64,
    /// Class names of the first output's last axis.
    pub labels: Vec<String>,
    /// Outputs that feed inputs of the next call.
    pub state: States,
    /// Window length in samples for models fed from a stream.
    pub window: Option<u32>,
    /// Samples between windows.
    pub hop: Option<u32>,
    /// Decision threshold.
    pub threshold: Option<f32>,
    /// How inputs are made of what callers give.
    pub preparations: Vec<Preparation>,
    /// What the import may assume and use.
    pub import: ImportOptions,
    /// What a scikit-learn estimator is computed in; an ONNX file says so itself.
    pub precision: Precision,
    /// Symbolic dimension that counts rows; without it, the one that no option binds and that leads an input.
    pub batch_dim: Option<String>,
    /// Batch sizes, one entry each; empty for one entry of the size that the other options give, else 1.
    pub entry_batches: Vec<u32>,
    /// What the Plan is laid out for.
    pub target: Target,
    /// How its weights are stored.
    pub weights: Weights,
    /// What it may take on a microcontroller; not looked at for other targets.
    pub budget: Budget,
}

/// Floating-point type of a model that was fitted in double precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single: inputs, constants and arithmetic.
    #[default]
    F32,
    /// Double.
    F64,
}

impl Precision {
    fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F64 => DType::F64,
        }
    }
}

/// A precision that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected f32 or f64")]
pub struct UnknownPrecision;

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text {
            "f32" => Ok(Self::F32),
            "f64" => Ok(Self::F64),
            _ => Err(UnknownPrecision),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// A Plan and what is known of it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The bytes of the Plan.
    pub plan: Vec<u8>,
    /// What the Plan says about itself.
    pub meta: Meta,
    /// The graphs after all passes, one per entry.
    pub entries: Vec<EntryGraph>,
    /// Memory and work, per entry.
    pub report: Report,
}

/// Why a model was not compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The file cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The file is a pickle or joblib file, or one of XGBoost or LightGBM, that cannot be imported.
    #[error(transparent)]
    Estimator(#[from] Box<EstimatorError>),
    /// The graph has no Plan.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The Plan exceeds its budget.
    #[error(transparent)]
    Budget(#[from] Box<OverBudget>),
    /// A model name outside the permitted characters.
    #[error("model name `{0}` is not 1 to 64 characters of A-Z a-z 0-9 _ -")]
    Name(String),
    /// Batch sizes for a model whose inputs have no open leading dimension.
    #[error("the model has no symbolic batch dimension, so it cannot have entries of several batch sizes")]
    NoBatchDim,
    /// A batch size of zero.
    #[error("a batch size is zero")]
    ZeroBatch,
    /// Which strings the model names depends on the batch size.
    #[error("the model names other strings at other batch sizes, so its entries cannot share their numbers")]
    Words,
    /// A state pair that the model does not have.
    #[error(
        "state pair `{output}` -> `{input}` does not name an output and an input of equal type and shape, or the input twice"
    )]
    State {
        /// Name of the output.
        output: String,
        /// Name of the input.
        input: String,
    },
}

impl CompileError {
    /// Stable code for machines and manuals.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Import(error) => error.code(),
            Self::Estimator(error) => error.code(),
            Self::Lower(_) => "E-LOWER",
            Self::Budget(_) => "E-BUDGET",
            Self::Name(_) => "E-COMPILE-NAME",
            Self::NoBatchDim | Self::ZeroBatch | Self::Words => "E-COMPILE-BATCH",
            Self::State { .. } => "E-COMPILE-STATE",
        }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Import(error) => error.hint(),
            Self::Estimator(error) => error.hint().map(str::to_owned),
            Self::NoBatchDim => {
                Some("leave --entry-batches out, or export the model with a symbolic first dimension".to_owned())
            }
            Self::Budget(over) => {
                let flash = over.flash.as_ref().map(|_| "fewer or narrower layers take less flash");
                let ram =
                    over.ram.as_ref().map(|_| "a smaller window, fewer channels or a stride there takes less RAM");
                Some([flash, ram].into_iter().flatten().collect::<Vec<_>>().join("; "))
            }
            Self::Name(_) => Some("choose another with --name".to_owned()),
            _ => None,
        }
    }
}

/// Compiles an ONNX file, a stored scikit-learn estimator or a model of XGBoost or LightGBM. Equal bytes and options give equal Plans.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(bytes: &[u8], options: &CompileOptions) -> Result<Compiled, CompileError> {
    let source = Imported::read(bytes, options)?;
    let lowered = source.lower(options.target, options)?;
    let Imported { meta, entries } = source;
    Ok(Compiled { plan: lowered.plan, meta, entries, report: lowered.report })
}

/// Compiles a model file for several targets, which is imported once; `options.target` is not looked at. Answers one
/// Plan for each target, in their order.
///
/// # Errors
/// See [`CompileError`].
pub fn compile_for(bytes: &[u8], options: &CompileOptions, targets: &[Target]) -> Result<Vec<Vec<u8>>, CompileError> {
    let source = Imported::read(bytes, options)?;
    targets.iter().map(|&target| Ok(source.lower(target, options)?.plan)).collect()
}

/// The inputs that a caller of a model file provides, by what its first bytes say it is.
///
/// # Errors
/// See [`CompileError`].
pub fn inputs(
    bytes: &[u8],
    precision: Precision,
    preparations: &[Preparation],
) -> Result<Vec<InputSpec>, CompileError> {
    Source::read(bytes, precision, preparations)?.inputs()
}

/// What a model file holds, by what its first bytes say it is.
pub(crate) fn survey(bytes: &[u8], precision: Precision, preparations: &[Preparation]) -> Result<Survey, CompileError> {
    match Source::read(bytes, precision, preparations)? {
        Source::Onnx(model) => Ok(model.survey()?),
        Source::Estimator(estimator) => Ok(estimator.survey(bytes.len() as u64)),
    }
}

/// A file that was read, by what it is.
enum Source {
    Onnx(Box<Model>),
    Estimator(Estimator),
}

impl Source {
    fn read(bytes: &[u8], precision: Precision, preparations: &[Preparation]) -> Result<Self, CompileError> {
        if sklearn::recognises(bytes) {
            if let Some(first) = preparations.first() {
                let reason = "only the inputs of ONNX models are prepared";
                return Err(ImportError::Preparation { input: first.input().to_owned(), reason }.into());
            }
            let estimator = Estimator::read(bytes, precision.dtype()).map_err(Box::new)?;
            return Ok(Self::Estimator(estimator));
        }
        let mut model = Model::read(bytes)?;
        model.prepare(preparations)?;
        Ok(Self::Onnx(Box::new(model)))
    }

    fn inputs(&self) -> Result<Vec<InputSpec>, CompileError> {
        match self {
            Self::Onnx(model) => Ok(model.inputs()?),
            Self::Estimator(estimator) => Ok(estimator.inputs()),
        }
    }

    /// The Graph, and the names of classes that the file itself has.
    fn graph(&self, specs: &[InputSpec], import: &ImportOptions) -> Result<(Graph, Vec<String>), CompileError> {
        match self {
            Self::Onnx(model) => Ok((model.graph(import)?, Vec::new())),
            Self::Estimator(estimator) => {
                let shapes = import::bind(specs, import)?;
                Ok(estimator.graph(&shapes[0], import.limits).map_err(Box::new)?)
            }
        }
    }
}

/// A model between import and lowering.
struct Imported {
    meta: Meta,
    entries: Vec<EntryGraph>,
}

impl Imported {
    fn read(bytes: &[u8], options: &CompileOptions) -> Result<Self, CompileError> {
        if !valid_name(&options.name) {
            return Err(CompileError::Name(options.name.clone()));
        }
        let source = Source::read(bytes, options.precision, &options.preparations)?;
        let specs = source.inputs()?;
        let mut entries = Vec::new();
        let mut labels = options.labels.clone();
        for (batch, import) in bindings(&specs, options)? {
            let (graph, names) = source.graph(&specs, &import)?;
            entries.push(EntryGraph { batch, graph: passes::run(graph) });
            if labels.is_empty() {
                labels = names;
            }
        }
        let state = state::pairs(&entries, &options.state)
            .map_err(|StatePair { output, input }| CompileError::State { output, input })?;
        let Graph { words, texts, columns, .. } = entries.first().map(|e| e.graph.clone()).unwrap_or_default();
        if entries.iter().any(|e| e.graph.words != words) {
            return Err(CompileError::Words);
        }
        let meta = Meta {
            name: options.name.clone(),
            version: options.version,
            compiler: COMPILER.to_owned(),
            source: hex(&Sha256::digest(bytes)),
            labels,
            words,
            texts,
            columns: columns.into_iter().map(|(tensor, names)| Columns { tensor, names }).collect(),
            state,
            window: options.window,
            hop: options.hop,
            threshold: options.threshold,
        };
        Ok(Self { meta, entries })
    }

    fn lower(&self, target: Target, options: &CompileOptions) -> Result<Lowered, CompileError> {
        let lowered = lower::plan_with(&self.entries, &self.meta, target, options.weights)?;
        if let Target::Mcu(_) = target {
            options.budget.check(&lowered, self.state_bytes())?;
        }
        Ok(lowered)
    }

    /// Bytes of the state of the largest entry, each tensor aligned as a device keeps it.
    fn state_bytes(&self) -> u64 {
        let is_state = |value: &&Value| self.meta.state.iter().any(|pair| pair.input == value.name);
        let bytes = |value: &Value| (value.count() as u64 * u64::from(value.dtype.size())).next_multiple_of(16);
        let of_entry = |EntryGraph { graph, .. }: &EntryGraph| -> u64 {
            graph.inputs.iter().map(|&id| graph.value(id)).filter(is_state).map(bytes).sum()
        };
        self.entries.iter().map(of_entry).max().unwrap_or(0)
    }
}

/// Import options of each entry, with the batch dimension bound.
fn bindings(specs: &[InputSpec], options: &CompileOptions) -> Result<Vec<(u32, ImportOptions)>, CompileError> {
    if options.entry_batches.contains(&0) {
        return Err(CompileError::ZeroBatch);
    }
    let open = Open::find(specs, options);
    if options.entry_batches.is_empty() {
        let rows = given_rows(specs, options);
        let import = if open.is_empty() { options.import.clone() } else { open.bind(specs, options, rows as usize) };
        return Ok(vec![(rows, import)]);
    }
    if open.is_empty() {
        return Err(CompileError::NoBatchDim);
    }
    Ok(options.entry_batches.iter().map(|&batch| (batch, open.bind(specs, options, batch as usize))).collect())
}

/// Rows that the options give to the first input by themselves, else 1.
fn given_rows(specs: &[InputSpec], options: &CompileOptions) -> u32 {
    let Some(first) = specs.first() else { return 1 };
    let shape = options.import.input_shapes.get(&first.name).and_then(|shape| shape.first().copied());
    let dim = first.dims.as_ref().and_then(|dims| dims.first());
    let size = match (shape, dim) {
        (Some(size), Some(Dim::Named(_) | Dim::Unknown)) => Some(size),
        (None, Some(Dim::Named(symbol))) => options.import.dims.get(symbol).copied(),
        _ => None,
    };
    size.and_then(|size| u32::try_from(size).ok()).filter(|&rows| rows > 0).unwrap_or(1)
}

/// The open dimension that counts rows: a name, and inputs whose leading dimension has neither name nor size.
struct Open {
    symbol: Option<String>,
    nameless: Vec<String>,
}

impl Open {
    fn find(specs: &[InputSpec], options: &CompileOptions) -> Self {
        let explicit = !options.entry_batches.is_empty();
        let leading = |spec: &InputSpec| spec.dims.as_ref().and_then(|dims| dims.first().cloned());
        let bound = |symbol: &String| options.import.dims.contains_key(symbol);
        // With explicit batch sizes, given shapes only provide the other dimensions.
        let shaped = |spec: &InputSpec| !explicit && options.import.input_shapes.contains_key(&spec.name);
        let mut symbols: Vec<String> = specs
            .iter()
            .filter(|spec| !shaped(spec))
            .filter_map(|spec| match leading(spec) {
                Some(Dim::Named(symbol)) if !bound(&symbol) => Some(symbol),
                _ => None,
            })
            .collect();
        symbols.dedup();
        let symbol = options.batch_dim.clone().or(match symbols.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        });
        let nameless = specs.iter().filter(|spec| !shaped(spec) && leading(spec) == Some(Dim::Unknown));
        Self { symbol, nameless: nameless.map(|spec| spec.name.clone()).collect() }
    }

    fn is_empty(&self) -> bool {
        self.symbol.is_none() && self.nameless.is_empty()
    }

    fn bind(&self, specs: &[InputSpec], options: &CompileOptions, batch: usize) -> ImportOptions {
        let mut import = options.import.clone();
        if let Some(symbol) = &self.symbol {
            import.dims.insert(symbol.clone(), batch);
        }
        for spec in specs {
            let Some(dims) = &spec.dims else { continue };
            let given = import.input_shapes.remove(&spec.name);
            let size = |(axis, dim): (usize, &Dim)| match dim {
                Dim::Fixed(size) => Some(*size),
                Dim::Named(symbol) if self.symbol.as_ref() == Some(symbol) => Some(batch),
                Dim::Unknown if axis == 0 && self.nameless.contains(&spec.name) => Some(batch),
                Dim::Named(symbol) => given
                    .as_ref()
                    .and_then(|shape| shape.get(axis).copied())
                    .or_else(|| import.dims.get(symbol).copied()),
                Dim::Unknown => given.as_ref().and_then(|shape| shape.get(axis).copied()),
            };
            let shape: Option<Vec<usize>> = dims.iter().enumerate().map(size).collect();
            if let Some(shape) = shape.or(given) {
                import.input_shapes.insert(spec.name.clone(), shape);
            }
        }
        import
    }
}

fn valid_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
