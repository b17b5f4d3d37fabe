use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mote_plan::{AlignedBytes, Plan, Sections};
use mote_seal::{Kind, Sealed};
use mote_weld::{Card, Flavour};
use serde_json::{Value, json};

use crate::anatomy::{self, Occupation};
use crate::args::DimArgs;
use crate::console::Console;
use crate::report::Failure;
use crate::source::{Request, Source, plan_bytes, view, weld};
use crate::tensors::dims_text;
use crate::{signature, trust};

/// Options of `mote inspect`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The model: .onnx, .wasm, .plan or .mote
    model: PathBuf,
    /// Which stage of the journey to show; a summary if not given
    #[arg(long, value_enum)]
    stage: Option<Stage>,
    #[command(flatten)]
    dims: DimArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stage {
    /// The operators after import and fusion (.onnx only)
    Graph,
    /// The steps of the Plan and what each costs
    Plan,
    /// The WebAssembly module
    Module,
    /// What the module says of itself
    Card,
    /// The arena over the time of a call, beside its lower bound
    Memory,
}

/// What can be shown of a file.
struct Subject {
    plan: AlignedBytes,
    graph: Option<mote_compiler::graph::Graph>,
    module: Option<Vec<u8>>,
}

/// Text for people and the same facts as JSON.
type Shown = (String, Value);

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let subject = subject(options, console).map_err(|failure| failure.at(options.model.display()))?;
    let plan = view(&subject.plan)?;
    let (text, json) = match options.stage {
        None => summary(&plan)?,
        Some(Stage::Graph) => {
            let only =
                || Failure::usage("inspect.stage", "only an .onnx has a graph").hint("--stage plan shows the steps");
            graph(&subject.graph.ok_or_else(only)?)
        }
        Some(Stage::Plan) => steps(&plan),
        Some(Stage::Memory) => memory(&plan),
        Some(Stage::Module) => module(&made(subject.module, &subject.plan)?)?,
        Some(Stage::Card) => card(&made(subject.module, &subject.plan)?)?,
    };
    console.data(|| json, || text)
}

/// The module in the file, or the one that would be written.
fn made(module: Option<Vec<u8>>, plan: &[u8]) -> Result<Vec<u8>, Failure> {
    module.map_or_else(|| weld(plan, Flavour::default()), Ok)
}

fn subject(options: &Options, console: Console) -> Result<Subject, Failure> {
    let (kind, bytes) = match Source::read(&options.model)? {
        Source::Onnx(file) => {
            let request =
                Request { dims: options.dims.dims.clone(), bounds: options.dims.bounds.clone(), ..Request::default() };
            let mut compiled = file.compile(&request, console)?;
            let graph = (!compiled.entries.is_empty()).then(|| compiled.entries.remove(0).graph);
            return Ok(Subject { plan: AlignedBytes::copy_of(&compiled.plan), graph, module: None });
        }
        Source::Plain(artifact) => (artifact.kind, artifact.bytes),
        Source::Sealed(bytes) => {
            console.note("the seal is not checked here; mote open does that");
            let artifact = Sealed::split(&bytes).map_err(|error| trust::refused(&error))?.artifact.to_vec();
            (if artifact.starts_with(b"\0asm") { Kind::Module } else { Kind::Plan }, artifact)
        }
    };
    let plan = plan_bytes(kind, &bytes)?;
    Ok(Subject { plan, graph: None, module: (kind == Kind::Module).then_some(bytes) })
}

fn summary(plan: &Plan<'_>) -> Result<Shown, Failure> {
    let meta = signature::meta(plan)?;
    let signatures = signature::signatures(plan);
    let mut text = format!("{} version {}, by {}\n", meta.name, meta.version, meta.compiler);
    let Sections { constants, steps, tables, strings, padding } = plan.sections();
    text += &format!(
        "plan {} bytes: constants {constants}, steps {steps}, tables {tables}, strings {strings}, padding {padding}\n",
        plan.bytes().len()
    );
    if !meta.labels.is_empty() {
        text += &format!("labels {}\n", meta.labels.join(", "));
    }
    let mut entries = Vec::new();
    for ((index, entry), signature) in plan.entries().enumerate().zip(&signatures) {
        let layers = anatomy::layers(plan, &entry);
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for layer in &layers {
            match kinds.iter_mut().find(|(name, _)| *name == layer.kind.name()) {
                Some((_, count)) => *count += 1,
                None => kinds.push((layer.kind.name(), 1)),
            }
        }
        kinds.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
        let (_, live) = anatomy::occupation(plan, &entry).peak();
        text += &format!("entry {index}, batch {}\n", entry.batch);
        for (side, slots) in [("input ", &signature.inputs), ("output", &signature.outputs)] {
            for slot in slots {
                text += &format!("  {side} {} {} {}\n", slot.name, slot.dtype, dims_text(&slot.dims));
            }
        }
        let listed: Vec<String> = kinds.iter().map(|(name, count)| format!("{count} {name}")).collect();
        text += &format!("  steps  {} ({})\n", layers.len(), listed.join(", "));
        text += &format!("  work   {} MACs, at most {} operations\n", entry.macs, entry.ops);
        text += &format!("  arena  {} bytes, largest live set {live}\n", entry.arena_bytes);
        let slots = |slots: &[signature::Slot]| -> Vec<Value> {
            slots.iter().map(|s| json!({ "name": s.name, "dtype": s.dtype.name(), "shape": s.dims })).collect()
        };
        entries.push(json!({
            "batch": entry.batch,
            "inputs": slots(&signature.inputs),
            "outputs": slots(&signature.outputs),
            "steps": kinds.iter().map(|(name, count)| (name.to_string(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "macs": entry.macs,
            "ops": entry.ops,
            "arena_bytes": entry.arena_bytes,
            "live_bytes": live,
        }));
    }
    let json = json!({
        "model": meta.name,
        "version": meta.version,
        "compiler": meta.compiler,
        "source": meta.source,
        "labels": meta.labels,
        "plan_bytes": plan.bytes().len(),
        "constant_bytes": plan.constants().1,
        "entries": entries,
    });
    Ok((text, json))
}

fn graph(graph: &mote_compiler::graph::Graph) -> Shown {
    let mut text = String::new();
    let mut nodes = Vec::new();
    let value = |id: mote_compiler::graph::ValueId| graph.values.get(id.0 as usize);
    for node in &graph.nodes {
        let described = format!("{:?}", node.op);
        let op = described.split([' ', '{', '(']).next().unwrap_or_default().to_string();
        let output = node.outputs.first().and_then(|&id| value(id));
        let dims = output.map(|v| v.dims.clone()).unwrap_or_default();
        text += &format!("{op:<16} {:<24} {}\n", dims_text(&dims), node.name);
        nodes.push(json!({ "op": op, "name": node.name, "shape": dims }));
    }
    (text, json!({ "nodes": nodes }))
}

fn steps(plan: &Plan<'_>) -> Shown {
    let mut text = String::new();
    let mut entries = Vec::new();
    for (index, entry) in plan.entries().enumerate() {
        let layers = anatomy::layers(plan, &entry);
        let total = layers.iter().map(|layer| layer.macs).sum::<u64>().max(1);
        text += &format!(
            "entry {index}, batch {}\n  step  kind             output                        MACs  share  constants\n",
            entry.batch
        );
        for layer in &layers {
            let share = 100.0 * layer.macs as f64 / total as f64;
            text += &format!(
                "  {:>4}  {:<16} {:<22} {:>11}  {share:>4.1}%  {:>9}\n",
                layer.index,
                layer.kind.name(),
                dims_text(&layer.dims),
                layer.macs,
                layer.constant_bytes
            );
        }
        let listed = layers.iter().map(|layer| {
            json!({
                "step": layer.index,
                "kind": layer.kind.name(),
                "shape": layer.dims,
                "macs": layer.macs,
                "constant_bytes": layer.constant_bytes,
            })
        });
        entries.push(json!({ "batch": entry.batch, "steps": listed.collect::<Vec<_>>() }));
    }
    (text, json!({ "entries": entries }))
}

/// Cells of one line of the map.
const CELLS: usize = 64;

/// Lines of the map; longer models are shown by the fullest step of each group.
const LINES: usize = 48;

fn memory(plan: &Plan<'_>) -> Shown {
    let mut text = String::new();
    let mut entries = Vec::new();
    for (index, entry) in plan.entries().enumerate() {
        let occupation = anatomy::occupation(plan, &entry);
        let (peak, live) = occupation.peak();
        let percent = if live == 0 { 100.0 } else { 100.0 * occupation.arena_bytes as f64 / live as f64 };
        text += &format!(
            "entry {index}, batch {}: arena {} bytes, largest live set {live} bytes at step {peak} ({percent:.1} %)\n",
            entry.batch, occupation.arena_bytes
        );
        text += &drawn(&occupation, &anatomy::layers(plan, &entry));
        let rows: Vec<u64> = occupation.rows.iter().map(|row| Occupation::live_bytes(row)).collect();
        entries.push(json!({
            "batch": entry.batch,
            "arena_bytes": occupation.arena_bytes,
            "live_bytes": live,
            "peak_step": peak,
            "live_by_step": rows,
        }));
    }
    (text, json!({ "entries": entries }))
}

/// Time runs down, addresses run right; `#` is in use. `<` marks the step that needs most.
fn drawn(occupation: &Occupation, layers: &[anatomy::Layer]) -> String {
    let (peak, _) = occupation.peak();
    let group = occupation.rows.len().div_ceil(LINES).max(1);
    let mut text = String::new();
    for (line, rows) in occupation.rows.chunks(group).enumerate() {
        let fullest = rows.iter().enumerate().max_by_key(|(_, row)| Occupation::live_bytes(row));
        let Some((offset, row)) = fullest else { continue };
        let step = line * group + offset;
        let cells: String =
            (0..CELLS).map(|cell| if used(row, cell, occupation.arena_bytes) { '#' } else { '.' }).collect();
        let kind = layers.get(step).map_or("", |layer| layer.kind.name());
        let mark = if step == peak { " <" } else { "" };
        text += &format!("  {step:>4} |{cells}| {:>10} {kind}{mark}\n", Occupation::live_bytes(row));
    }
    text
}

fn used(row: &[(u64, u64)], cell: usize, arena_bytes: u64) -> bool {
    let edge = |cell: usize| arena_bytes * cell as u64 / CELLS as u64;
    let (start, end) = (edge(cell), edge(cell + 1).max(edge(cell) + 1));
    row.iter().any(|&(a, b)| a < end && start < b)
}

fn module(wasm: &[u8]) -> Result<Shown, Failure> {
    let checked = mote_weld::check::module(wasm).map_err(|error| Failure::model("model.check", error))?;
    let card = Card::read(wasm).map_err(|error| Failure::model("model.card", error))?;
    let plan_bytes = checked.plan.len();
    let overhead = 100.0 * (wasm.len() - plan_bytes) as f64 / plan_bytes.max(1) as f64;
    let text = format!(
        "{} bytes: Plan {plan_bytes}, code {} in {} functions, the rest {} ({overhead:.1} % over the Plan)\n\
         flavour {}, memory {} pages, relaxed SIMD {}, imports none\n",
        wasm.len(),
        checked.code_bytes,
        checked.functions,
        (wasm.len() - plan_bytes).saturating_sub(checked.code_bytes as usize),
        card.flavour,
        checked.pages,
        if checked.relaxed { "yes" } else { "no" },
    );
    let json = json!({
        "bytes": wasm.len(),
        "plan_bytes": plan_bytes,
        "code_bytes": checked.code_bytes,
        "functions": checked.functions,
        "flavour": card.flavour.name(),
        "pages": checked.pages,
        "relaxed": checked.relaxed,
        "image": card.image,
    });
    Ok((text, json))
}

fn card(wasm: &[u8]) -> Result<Shown, Failure> {
    let card = Card::read(wasm).map_err(|error| Failure::model("model.card", error))?;
    let json: Value = serde_json::from_str(&card.to_json()).map_err(|error| Failure::model("model.card", error))?;
    Ok((format!("{json:#}\n"), json))
}
