use std::path::PathBuf;

use clap::Args;
use mote_compiler::{Budget, Target, Weights};
use mote_plan::AlignedBytes;
use mote_weld::Flavour;
use serde_json::{Value, json};

use crate::args::ModelArgs;
use crate::console::Console;
use crate::figures::Figures;
use crate::report::Failure;
use crate::source::{Request, Source, view, weld};

/// Options of `mote compile`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// An ONNX model, a scikit-learn estimator in a .joblib or .pkl file, or a model of XGBoost (.json, .ubj) or LightGBM (.txt); a model.toml beside it gives name, version, labels, window and threshold
    model: PathBuf,
    /// Where the result goes: .wasm for a module, .plan for the Plan alone
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    model_args: ModelArgs,
    /// How the module's code is written: strict-v8, strict-cranelift, fast-v8, fast-cranelift
    #[arg(long, default_value_t)]
    flavour: Flavour,
    /// What the Plan is laid out for: wasm, mcu, or mcu:CORE with a core of generic, cortex-m4, cortex-m33, cortex-m55
    #[arg(long, default_value_t)]
    target: Target,
    /// What a microcontroller has room for, as in flash=256K,ram=64K; a model that needs more is refused
    #[arg(long, value_name = "SIZES")]
    budget: Option<Budget>,
    /// Store weights that f16 or bf16 holds exactly in 16 bits and widen them as they are used: the same answers from a
    /// smaller Plan and a larger arena
    #[arg(long)]
    keep_half: bool,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let extension = options.output.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("wasm" | "plan")) {
        return Err(Failure::usage("output.format", "only .wasm and .plan can be written").at(options.output.display()));
    }
    let mcu = matches!(options.target, Target::Mcu(_));
    if mcu && extension == Some("wasm") {
        return Err(Failure::usage("output.format", "a microcontroller takes the Plan alone")
            .at(options.output.display())
            .hint("name a .plan"));
    }
    if !mcu && options.budget.is_some() {
        return Err(Failure::usage("compile.budget", "only a microcontroller has a budget").hint("--target mcu"));
    }
    let Source::Onnx(file) = Source::read(&options.model)? else {
        return Err(Failure::model("model.form", "compiled already").at(options.model.display()));
    };
    let budget = options.budget.unwrap_or_default();
    let weights = if options.keep_half { Weights::HalfWhereExact } else { Weights::Whole };
    let request = Request { target: options.target, budget, weights, ..options.model_args.request() };
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
    let figures = mcu.then(|| Figures::new(&plan, &compiled, budget));
    console.data(
        || {
            json!({
                "file": options.output.display().to_string(),
                "model": compiled.meta.name,
                "version": compiled.meta.version,
                "target": options.target.to_string(),
                "bytes": bytes.len(),
                "plan_bytes": compiled.plan.len(),
                "constant_bytes": plan.constants().1,
                "state": compiled.meta.state,
                "code_bytes": code_bytes,
                "entries": entries,
                "mcu": figures.as_ref().map(Figures::json),
            })
        },
        || {
            let file = options.output.display();
            if let Some(figures) = &figures {
                let (model, version) = (&compiled.meta.name, compiled.meta.version);
                return format!("{file}: {model} version {version} for {}\n{}", options.target, figures.text());
            }
            let code = code_bytes.map_or_else(String::new, |code| format!(", code {code}"));
            let mut text = format!("{file}: {} bytes (constants {}{code})\n", bytes.len(), plan.constants().1);
            for entry in plan.entries() {
                text += &format!("  batch {}: {} MACs, arena {} bytes\n", entry.batch, entry.macs, entry.arena_bytes);
            }
            text
        },
    )
}
