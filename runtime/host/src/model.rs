use std::sync::Arc;
use std::time::{Duration, Instant};

use mote_abi::{EXPORT_ABI, EXPORT_INFER, EXPORT_MEMORY, PAGE_BYTES};
use mote_plan::{AlignedBytes, Meta, Plan, format::BASE_ALIGN};
use mote_seal::{Kind, Opened};
use mote_weld::{Card, Flavour, Image, Profile, Tuning, check};
use wasmtime::{Engine, InstancePre, Linker, Module, PoolConcurrencyLimitError, Store, Val};

use crate::cache::Key;
use crate::foreign::{Guest, Wasi};
use crate::instance::{Instance, Pace};
use crate::{EngineFault, EntryPorts, Host, InferError, Limits, LoadError, ports};

/// Slower than any machine that runs wasmtime, its interpreter included, in nanoseconds per scalar operation. A bound
/// that meets its deadline at this speed needs no calibration.
const PESSIMISTIC_NS_PER_OP: f64 = 100.0;

/// Which code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Code {
    /// Derived on this machine from the Plan, for its compiler. What gateways run.
    #[default]
    Derived,
    /// The code in the file, as a page would run it: for tests and comparisons. Its run time is not bounded by this host.
    File,
}

/// How to load a model.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Which code runs.
    pub code: Code,
    /// The arithmetic of derived code.
    pub profile: Profile,
    /// What one instance may take; the release may demand less.
    pub limits: Limits,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { code: Code::Derived, profile: Profile::Strict, limits: Limits::default() }
    }
}

/// Where the time of a load went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadTimings {
    /// Writing and checking the code; zero where it came from the cache.
    pub derive: Duration,
    /// Compiling it, or fetching it from the cache.
    pub compile: Duration,
    /// Whether compiled code came from the cache.
    pub cached: bool,
}

/// A loaded model: compiled code and what is known of it. Instances share both.
pub struct Model {
    pre: InstancePre<Guest>,
    entries: Arc<[EntryPorts]>,
    card: Card,
    pace: Pace,
    limits: Limits,
    wasi: Wasi,
    slots: u32,
    timings: LoadTimings,
}

/// Code that may be compiled, and its Card.
struct Source<'a> {
    wasm: std::borrow::Cow<'a, [u8]>,
    card: Card,
}

impl Host {
    /// Loads a compiled model. The code is derived from the Plan and compiled here, or taken from this host's cache.
    ///
    /// # Errors
    /// A malformed Plan or Module, a bound above the limits, or a foreign guest.
    pub fn load(&self, opened: &Opened<'_>, image: &Image<'_>, options: &LoadOptions) -> Result<Model, LoadError> {
        let limits = options.limits.tightened_by(opened.release());
        let mut timings = LoadTimings::default();
        let derived = Flavour { profile: options.profile, tuning: Tuning::Cranelift };
        let name = match (options.code, opened.kind()) {
            (_, Kind::Foreign) => return Err(LoadError::Foreign),
            (Code::File, Kind::Plan) => return Err(LoadError::NoCodeInFile),
            (Code::File, Kind::Module) => "file",
            (Code::Derived, _) => derived.name(),
        };
        let key = Key::new(&self.derived, opened.digest(), name, &image.digest);
        let start = Instant::now();
        let (module, card) = match self.cached(&key) {
            Some(found) => {
                timings.cached = true;
                found
            }
            None => {
                let source = match options.code {
                    Code::Derived => derive(opened, derived, image, &limits)?,
                    Code::File => take_from_file(opened.artifact())?,
                };
                timings.derive = start.elapsed();
                admit(&source.card, &limits)?;
                (self.compile(&key, &source)?, source.card)
            }
        };
        timings.compile = start.elapsed().saturating_sub(timings.derive);
        admit(&card, &limits)?;
        self.admit_time(&card, image, &limits)?;
        let pre = Linker::new(&self.derived).instantiate_pre(&module).map_err(engine_fault)?;
        let entries = ports::entries(&card)?;
        let slots = self.pool().slots;
        Ok(Model { pre, entries, card, pace: Pace::Bounded, limits, wasi: Wasi::Refused, slots, timings })
    }

    /// Loads a foreign guest: hand-written wasm with a Card and the exports of ABI 1, which this host can stop.
    ///
    /// # Errors
    /// A compiled model, a host without foreign guests, an import that is not given, or memory above the limits.
    pub fn load_foreign(&self, opened: &Opened<'_>, limits: Limits) -> Result<Model, LoadError> {
        if opened.kind() != Kind::Foreign {
            return Err(LoadError::NotForeign);
        }
        let foreign = self.foreign.as_ref().ok_or(LoadError::ForeignDisabled)?;
        let limits = limits.tightened_by(opened.release());
        let card = Card::read(opened.artifact()).map_err(|_| LoadError::NoCard)?;
        admit(&card, &limits)?;
        let entries = ports::entries(&card)?;
        let start = Instant::now();
        let module = Module::from_binary(&foreign.engine, opened.artifact()).map_err(engine_fault)?;
        let timings = LoadTimings { compile: start.elapsed(), ..LoadTimings::default() };
        let pre = foreign.link(&module)?.instantiate_pre(&module).map_err(engine_fault)?;
        let pace = Pace::of_foreign(&limits, foreign.clock());
        Ok(Model { pre, entries, card, pace, limits, wasi: foreign.wasi(), slots: 0, timings })
    }

    fn cached(&self, key: &Key) -> Option<(Module, Card)> {
        let (module, note) = self.cache.as_ref()?.load(&self.derived, key)?;
        Some((module, serde_json::from_str(&note).ok()?))
    }

    /// Compiles and, where there is a cache, keeps the result and maps it from there: then all instances of all
    /// processes share the pages of the weights.
    fn compile(&self, key: &Key, source: &Source<'_>) -> Result<Module, LoadError> {
        let Some(cache) = &self.cache else {
            return Module::from_binary(&self.derived, &source.wasm).map_err(engine_fault);
        };
        let code = self.derived.precompile_module(&source.wasm).map_err(engine_fault)?;
        match cache.store(&self.derived, key, &code, &source.card.to_json()) {
            Ok(Some(module)) => Ok(module),
            // A full disk must not keep a model from running.
            Ok(None) | Err(_) => Module::from_binary(&self.derived, &source.wasm).map_err(engine_fault),
        }
    }

    fn admit_time(&self, card: &Card, image: &Image<'_>, limits: &Limits) -> Result<(), LoadError> {
        let ops = most_ops(card);
        if limits.admit_time(ops, PESSIMISTIC_NS_PER_OP).is_ok() {
            return Ok(());
        }
        limits.admit_time(ops, self.calibrate(image)?)
    }

    /// A module of this host's own making, for [`Host::calibrate`].
    pub(crate) fn instantiate_own(&self, wasm: &[u8]) -> Result<Instance, LoadError> {
        let card = Card::read(wasm).map_err(|_| LoadError::NoCard)?;
        let module = Module::from_binary(&self.derived, wasm).map_err(engine_fault)?;
        let pre = Linker::new(&self.derived).instantiate_pre(&module).map_err(engine_fault)?;
        let store = Store::new(&self.derived, Guest::derived());
        start(&pre, store, ports::entries(&card)?, Pace::Bounded, self.pool().slots)
    }
}

/// Code for this machine from the Plan inside the artifact.
fn derive<'a>(
    opened: &Opened<'_>,
    flavour: Flavour,
    image: &Image<'_>,
    limits: &Limits,
) -> Result<Source<'a>, LoadError> {
    let bytes = match opened.kind() {
        Kind::Module => mote_weld::plan_in(opened.artifact())?,
        Kind::Plan | Kind::Foreign => opened.artifact(),
    };
    let copy;
    let aligned = if bytes.as_ptr().addr().is_multiple_of(BASE_ALIGN) {
        bytes
    } else {
        copy = AlignedBytes::copy_of(bytes);
        &copy
    };
    let plan = Plan::view(aligned)?;
    let ops = plan.entries().map(|entry| entry.ops).max().ok_or(LoadError::NoEntry)?;
    // Before any work is spent on it: the memory is at least what Plan and arena take.
    limits.admit(plan.bytes().len() as u64 + u64::from(plan.arena_bytes()), ops)?;
    let wasm = mote_weld::module(&plan, flavour, image)?;
    check::module(&wasm)?;
    let card = Card::read(&wasm).map_err(|_| LoadError::NoCard)?;
    Ok(Source { wasm: wasm.into(), card })
}

/// The code in the artifact, if it keeps the rules of the boundary.
fn take_from_file(wasm: &[u8]) -> Result<Source<'_>, LoadError> {
    let checked = check::module(wasm)?;
    let mut card = Card::read(wasm).map_err(|_| LoadError::NoCard)?;
    if checked.relaxed && card.flavour.profile == Profile::Strict {
        return Err(LoadError::RelaxedInStrict);
    }
    // What the Card says of the memory is believed nowhere else.
    card.memory.pages = checked.pages;
    Ok(Source { wasm: wasm.into(), card })
}

fn memory_bytes(card: &Card) -> u64 {
    u64::from(card.memory.pages) * u64::from(PAGE_BYTES)
}

fn most_ops(card: &Card) -> u64 {
    card.entries.iter().map(|entry| entry.ops).max().unwrap_or(0)
}

fn admit(card: &Card, limits: &Limits) -> Result<(), LoadError> {
    limits.admit(memory_bytes(card), most_ops(card))
}

fn engine_fault(error: wasmtime::Error) -> LoadError {
    LoadError::Engine(EngineFault::from(error))
}

impl Model {
    /// Makes an instance: a slot of the pool, its memory mapped copy-on-write over the model's.
    ///
    /// # Errors
    /// No free slot, memory above the limits, or a guest without the exports of ABI 1.
    pub fn instantiate(&self) -> Result<Instance, LoadError> {
        let engine: &Engine = self.pre.module().engine();
        let store = match self.pace {
            Pace::Bounded => Store::new(engine, Guest::derived()),
            Pace::Stopped { ticks, .. } => {
                let mut store = Store::new(engine, Guest::foreign(&self.limits, self.wasi));
                store.limiter(|guest| guest.limits());
                // A start function has the time of a call.
                store.set_epoch_deadline(ticks);
                store
            }
        };
        start(&self.pre, store, self.entries.clone(), self.pace.clone(), self.slots)
    }

    /// The ways to call the model, by entry index.
    #[must_use]
    pub fn entries(&self) -> &[EntryPorts] {
        &self.entries
    }

    /// What the model says of itself.
    #[must_use]
    pub fn meta(&self) -> Meta {
        self.card.meta()
    }

    /// Its Card: the code's flavour, sizes and bounds.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Linear memory of one instance, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        memory_bytes(&self.card)
    }

    /// Where the time of the load went.
    #[must_use]
    pub fn timings(&self) -> LoadTimings {
        self.timings
    }
}

fn start(
    pre: &InstancePre<Guest>,
    mut store: Store<Guest>,
    entries: Arc<[EntryPorts]>,
    pace: Pace,
    slots: u32,
) -> Result<Instance, LoadError> {
    let instance = pre.instantiate(&mut store).map_err(|error| {
        if error.is::<PoolConcurrencyLimitError>() {
            return LoadError::PoolExhausted { slots };
        }
        match InferError::from_trap(&error) {
            Some(ended) => LoadError::Start(ended),
            None => engine_fault(error),
        }
    })?;
    let lacks = |name| LoadError::ExportMissing { name };
    let memory = instance.get_memory(&mut store, EXPORT_MEMORY).ok_or(lacks(EXPORT_MEMORY))?;
    let call = instance.get_typed_func::<i32, i32>(&mut store, EXPORT_INFER).map_err(|_| lacks(EXPORT_INFER))?;
    let abi = instance.get_global(&mut store, EXPORT_ABI).map(|global| global.get(&mut store));
    if !matches!(abi, Some(Val::I32(mote_abi::ABI_VERSION))) {
        return Err(lacks(EXPORT_ABI));
    }
    // The Card's places were checked against the memory it states; a foreign memory may be smaller.
    let length = memory.data_size(&store);
    let ports = entries.iter().flat_map(|entry| entry.inputs.iter().chain(&entry.outputs));
    for port in ports {
        if port.range().end > length {
            return Err(LoadError::CardOutOfBounds { tensor: port.name.clone() });
        }
    }
    Ok(Instance { store, memory, call, entries, pace })
}
