use std::path::PathBuf;

use clap::Args;
use mote_plan::AlignedBytes;
use mote_weld::Flavour;
use serde_json::{Value, json};

use crate::args::DimArgs;
use crate::console::Console;
use crate::report::Failure;
use crate::source::{Request, Source, view, weld};

/// Options of `mote compile`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// An ONNX model
    model: PathBuf,
    /// Where the result goes: .wasm for a module, .plan for the Plan alone
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    dims: DimArgs,
    /// Shape of an input, as in x=1,3,224,224; repeatable
    #[arg(long = "shape", value_name = "NAME=DIMS", value_parser = named_shape)]
    shapes: Vec<(String, Vec<usize>)>,
    /// Batch sizes, one entry each over one copy of the weights
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    entry_batches: Vec<u32>,
    /// How the module's code is written: strict-v8, strict-cranelift, fast-v8, fast-cranelift
    #[arg(long, default_value_t)]
    flavour: Flavour,
    /// The model's name; the file's or its folder's if not given
    #[arg(long)]
    name: Option<String>,
    /// The model's version, growing with every release
    #[arg(long, default_value_t = 1)]
    version: u64,
    /// Class names of the first output's last axis
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    labels: Vec<String>,
}

fn named_shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let (name, dims) = text.rsplit_once('=').ok_or("expected NAME=DIMS")?;
    let dims: Result<Vec<usize>, _> = dims.split(',').map(|dim| dim.trim().parse()).collect();
    Ok((name.into(), dims.map_err(|_| format!("{text:?}: expected sizes like 1,3,224,224"))?))
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let extension = options.output.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("wasm" | "plan")) {
        return Err(Failure::usage("output.format", "only .wasm and .plan can be written").at(options.output.display()));
    }
    let Source::Onnx(file) = Source::read(&options.model)? else {
        return Err(Failure::model("model.form", "compiled already").at(options.model.display()));
    };
    let request = Request {
        dims: options.dims.dims.clone(),
        shapes: options.shapes.clone(),
        batches: options.entry_batches.clone(),
        name: options.name.clone(),
        version: options.version,
        labels: options.labels.clone(),
    };
    let compiled = file.compile(&request, console)?;
    let module = (extension == Some("wasm")).then(|| weld(&compiled.plan, options.flavour)).transpose()?;
    let bytes = module.as_ref().unwrap_or(&compiled.plan);
    std::fs::write(&options.output, bytes)
        .map_err(|error| Failure::execution("output.unwritable", error).at(options.output.display()))?;
    let aligned = AlignedBytes::copy_of(&compiled.plan);
    let plan = view(&aligned)?;
    let code_bytes = match &module {
        Some(wasm) => {
            Some(mote_weld::check::module(wasm).map_err(|error| Failure::model("model.check", error))?.code_bytes)
        }
        None => None,
    };
    let entries: Vec<Value> = plan
        .entries()
        .map(|entry| json!({ "batch": entry.batch, "macs": entry.macs, "ops": entry.ops, "arena_bytes": entry.arena_bytes }))
        .collect();
    console.data(
        || {
            json!({
                "file": options.output.display().to_string(),
                "model": compiled.meta.name,
                "version": compiled.meta.version,
                "bytes": bytes.len(),
                "plan_bytes": compiled.plan.len(),
                "constant_bytes": plan.constants().1,
                "code_bytes": code_bytes,
                "entries": entries,
            })
        },
        || {
            let code = code_bytes.map_or_else(String::new, |code| format!(", code {code}"));
            let mut text = format!(
                "{}: {} bytes (constants {}{code})\n",
                options.output.display(),
                bytes.len(),
                plan.constants().1
            );
            for entry in plan.entries() {
                text += &format!("  batch {}: {} MACs, arena {} bytes\n", entry.batch, entry.macs, entry.arena_bytes);
            }
            text
        },
    )
}
