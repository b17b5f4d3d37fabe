use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use mote_seal::Opened;
use serde_json::{Value, json};

use crate::anatomy::{self, Layer};
use crate::args::{CodeArgs, DimArgs, HostKind, TrustArgs};
use crate::bind::{self, Calls};
use crate::console::Console;
use crate::prepare::{self, Inputs};
use crate::report::Failure;
use crate::runner::Runner;
use crate::signature::{Signature, Slot};
use crate::source::{plan_bytes, view};
use crate::tensors::{Array, given};

/// Options of `mote bench`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The model: .onnx, .wasm, .plan or .mote
    model: PathBuf,
    /// Input arrays; seeded random numbers if not given
    #[arg(short, long, value_name = "FILE")]
    input: Option<String>,
    /// Calls that are timed
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Calls before timing begins
    #[arg(long, default_value_t = 10)]
    warmup: u32,
    #[command(flatten)]
    dims: DimArgs,
    #[command(flatten)]
    code: CodeArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Native runs from which the share of each layer is taken.
const PROFILE_RUNS: u32 = 5;

/// Layers listed as text; JSON has all.
const LISTED: usize = 12;

/// Everything before a steady stream of calls.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// Checking the signature, with the digest known.
    open: Duration,
    derive: Duration,
    compile: Duration,
    instantiate: Duration,
    cached: bool,
    first_call: Duration,
}

impl Start {
    /// Without hashing and without the call itself.
    fn total(&self) -> Duration {
        self.open + self.derive + self.compile + self.instantiate
    }

    fn json(&self) -> Value {
        json!({
            "open_ms": ms(self.open),
            "derive_ms": ms(self.derive),
            "compile_ms": ms(self.compile),
            "instantiate_ms": ms(self.instantiate),
            "total_ms": ms(self.total()),
            "first_call_ms": ms(self.first_call),
            "cached": self.cached,
        })
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let given = match &options.input {
        Some(argument) => given::read(argument).map_err(|error| Failure::tensors(&error).at(argument))?,
        None => Vec::new(),
    };
    let (vouched, inputs) = match (&options.input, given) {
        (None, _) => {
            (prepare::without_inputs(&options.model, &options.dims, &options.code, &options.trust, console)?, None)
        }
        (Some(_), given) => {
            let (vouched, inputs) =
                prepare::model(&options.model, given, &options.dims, &options.code, &options.trust, console)?;
            (vouched, Some(inputs))
        }
    };
    let opening = Instant::now();
    let opened = vouched.open()?;
    let open = opening.elapsed();

    let fresh = TrustArgs { no_cache: true, ..options.trust.clone() };
    let (mut runner, mut cold) = start(&opened, options, &fresh, open, console)?;
    let calls = calls(inputs, &runner.signatures, console)?;
    let slices: Vec<&[u8]> = calls.arrays.iter().map(|array| array.data.as_slice()).collect();
    cold.first_call = timed(|| runner.call(calls.entry, &slices))?;
    let warm = warm_start(&opened, options, open, &calls, console)?;

    let progress = console.progress("measuring");
    for _ in 0..options.warmup {
        runner.call(calls.entry, &slices)?;
    }
    let mut times = Vec::with_capacity(options.runs as usize);
    for _ in 0..options.runs {
        times.push(timed(|| runner.call(calls.entry, &slices))?);
    }
    times.sort_unstable();
    let layers = profile(&opened, options, &calls, console)?;
    drop(progress);

    let latency = Latency::of(&times);
    let hash = vouched.hash_time();
    console.data(
        || {
            json!({
                "model": runner.meta.name,
                "host": host_name(options.code.host),
                "profile": format!("{:?}", options.code.profile).to_lowercase(),
                "hash_ms": ms(hash),
                "cold": cold.json(),
                "warm": warm.map(|start| start.json()),
                "runs": times.len(),
                "latency_ms": latency.json(),
                "layers": layers.iter().map(Share::json).collect::<Vec<_>>(),
            })
        },
        || {
            let mut text = format!("{}, {} runs\n", host_name(options.code.host), times.len());
            text += &latency.text();
            text += &start_text("cold start", &cold);
            text += &warm.map_or_else(String::new, |warm| start_text("warm start", &warm));
            text += &format!("hashing {:.2} ms\n", ms(hash));
            text + &shares_text(&layers, options.code.host)
        },
    )
}

fn host_name(host: HostKind) -> &'static str {
    match host {
        HostKind::Wasmtime => "wasmtime",
        HostKind::Native => "native",
    }
}

fn timed(call: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let start = Instant::now();
    call()?;
    Ok(start.elapsed())
}

fn start(
    opened: &Opened<'_>,
    options: &Options,
    trust: &TrustArgs,
    open: Duration,
    console: Console,
) -> Result<(Runner, Start), Failure> {
    let runner = Runner::start(opened, &options.code, trust, console)?;
    let timings = runner.timings;
    let start = Start {
        open,
        derive: timings.load.derive,
        compile: timings.load.compile,
        instantiate: timings.instantiate,
        cached: timings.load.cached,
        first_call: Duration::ZERO,
    };
    Ok((runner, start))
}

/// A second start, which finds compiled code in the cache; `None` where there is none.
fn warm_start(
    opened: &Opened<'_>,
    options: &Options,
    open: Duration,
    calls: &Calls,
    console: Console,
) -> Result<Option<Start>, Failure> {
    if options.trust.no_cache || options.code.host == HostKind::Native {
        return Ok(None);
    }
    drop(start(opened, options, &options.trust, open, console)?);
    let (mut runner, mut warm) = start(opened, options, &options.trust, open, console)?;
    let slices: Vec<&[u8]> = calls.arrays.iter().map(|array| array.data.as_slice()).collect();
    warm.first_call = timed(|| runner.call(calls.entry, &slices))?;
    Ok(warm.cached.then_some(warm))
}

/// The given arrays, or seeded random ones for the first entry.
fn calls(inputs: Option<Inputs>, signatures: &[Signature], console: Console) -> Result<Calls, Failure> {
    let first = signatures.first().ok_or_else(|| Failure::model("model.no-entry", "the model has no entry"))?;
    let mut calls = match inputs {
        None => {
            let mut random = SplitMix64(1);
            let arrays = first.inputs.iter().map(|slot| random.array(slot)).collect();
            Calls { entry: 0, repeats: 1, arrays }
        }
        Some(Inputs::Paired(tensors)) => bind::calls(tensors, signatures)?,
        Some(Inputs::Given(given)) => {
            let names: Vec<&str> = first.inputs.iter().map(|slot| slot.name.as_str()).collect();
            bind::calls(prepare::pair(given, &names, console)?, signatures)?
        }
    };
    // One call is timed at a time: of several rows, the first.
    if calls.repeats > 1 {
        let repeats = std::mem::replace(&mut calls.repeats, 1);
        calls.arrays.iter_mut().for_each(|array| array.data.truncate(array.data.len() / repeats));
    }
    Ok(calls)
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Floats in -1..1; zeros for any other type, for they may be indices.
    fn array(&mut self, slot: &Slot) -> Array {
        let mut data = vec![0; slot.count() * slot.dtype.size() as usize];
        if slot.dtype == mote_abi::DType::F32 {
            for value in data.as_chunks_mut().0 {
                *value = ((self.draw() >> 40) as f32 / 8_388_608.0 - 1.0).to_le_bytes();
            }
        }
        Array { dtype: slot.dtype, dims: slot.dims.clone(), data }
    }
}

struct Latency {
    min: f64,
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Latency {
    /// Of sorted times, at least one.
    fn of(times: &[Duration]) -> Self {
        let at = |quantile: f64| {
            let index = (quantile * (times.len().saturating_sub(1)) as f64).round() as usize;
            times.get(index).map_or(0.0, |time| ms(*time))
        };
        let mean = ms(times.iter().sum::<Duration>()) / times.len().max(1) as f64;
        Self { min: at(0.0), mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) }
    }

    fn json(&self) -> Value {
        json!({ "min": self.min, "mean": self.mean, "p50": self.p50, "p90": self.p90, "p99": self.p99, "max": self.max })
    }

    fn text(&self) -> String {
        format!(
            "latency  min {:.3}  mean {:.3}  p50 {:.3}  p90 {:.3}  p99 {:.3}  max {:.3} ms\n",
            self.min, self.mean, self.p50, self.p90, self.p99, self.max
        )
    }
}

fn start_text(what: &str, start: &Start) -> String {
    format!(
        "{what} {:.2} ms (open {:.2}, derive {:.2}, compile {:.2}, instantiate {:.3}), first call {:.2} ms\n",
        ms(start.total()),
        ms(start.open),
        ms(start.derive),
        ms(start.compile),
        ms(start.instantiate),
        ms(start.first_call),
    )
}

/// One layer's part of the native run time.
struct Share {
    layer: Layer,
    time: Duration,
    part: f64,
}

impl Share {
    fn json(&self) -> Value {
        json!({
            "step": self.layer.index,
            "kind": self.layer.kind.name(),
            "shape": self.layer.dims,
            "macs": self.layer.macs,
            "native_ms": ms(self.time),
            "share": self.part,
        })
    }
}

/// Times each layer in the native engine: a guest cannot be looked into without slowing it down.
fn profile(opened: &Opened<'_>, options: &Options, calls: &Calls, console: Console) -> Result<Vec<Share>, Failure> {
    if opened.kind() == mote_seal::Kind::Foreign {
        return Ok(Vec::new());
    }
    let native = CodeArgs { host: HostKind::Native, ..options.code };
    let mut runner = Runner::start(opened, &native, &options.trust, console)?;
    let slices: Vec<&[u8]> = calls.arrays.iter().map(|array| array.data.as_slice()).collect();
    runner.call(calls.entry, &slices)?;
    let bytes = plan_bytes(opened.kind(), opened.artifact())?;
    let plan = view(&bytes)?;
    let entry =
        plan.entry(calls.entry).ok_or_else(|| Failure::model("model.no-entry", "the model has no such entry"))?;
    let mut shares: Vec<Share> = anatomy::layers(&plan, &entry)
        .into_iter()
        .map(|layer| Share { layer, time: Duration::ZERO, part: 0.0 })
        .collect();
    for _ in 0..PROFILE_RUNS {
        for (step, time) in runner.call_timed(calls.entry).transpose()?.unwrap_or_default() {
            if let Some(share) = shares.iter_mut().find(|share| share.layer.index == step) {
                share.time += time / PROFILE_RUNS;
            }
        }
    }
    // A clock too coarse for any layer leaves every share at nothing rather than at 0 / 0.
    let total = shares.iter().map(|share| share.time).sum::<Duration>().as_nanos().max(1) as f64;
    shares.iter_mut().for_each(|share| share.part = share.time.as_nanos() as f64 / total);
    Ok(shares)
}

fn shares_text(shares: &[Share], host: HostKind) -> String {
    let mut order: Vec<&Share> = shares.iter().collect();
    order.sort_by(|a, b| b.part.total_cmp(&a.part));
    let of = if host == HostKind::Native { "" } else { " in the native engine" };
    let mut text = if shares.is_empty() { String::new() } else { format!("share of the layers{of}:\n") };
    for share in order.iter().take(LISTED) {
        text += &format!(
            "  {:>5.1}%  step {:<4} {:<12} {:<20} {:>11} MACs  {:.3} ms\n",
            100.0 * share.part,
            share.layer.index,
            share.layer.kind.name(),
            crate::tensors::dims_text(&share.layer.dims),
            share.layer.macs,
            ms(share.time),
        );
    }
    text
}
