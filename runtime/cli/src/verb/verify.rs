use std::path::{Path, PathBuf};

use clap::Args;
use mote_compiler::{HostTensor, SecondOpinion};
use mote_plan::AlignedBytes;
use mote_seal::Kind;
use mote_weld::Card;
use serde_json::{Value, json};

use crate::args::{CodeArg, CodeArgs, DimArgs, HostKind, ProfileArg, TrustArgs};
use crate::bind;
use crate::compare::{Difference, Tolerance};
use crate::console::Console;
use crate::prepare;
use crate::report::{Exit, Failure};
use crate::runner::Runner;
use crate::source::{OnnxFile, Source, guest_image, plan_bytes, view};
use crate::tensors::{Array, Given, Tensor, npz};
use crate::trust::Vouched;

/// Options of `mote verify`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// An ONNX model; or a module, whose code is compared with what its Plan gives
    model: PathBuf,
    /// Folder of NAME.in.npz and NAME.out.npz pairs, or one .npz of inputs without recorded outputs
    #[arg(long, value_name = "DIR|FILE")]
    cases: Option<PathBuf>,
    #[command(flatten)]
    dims: DimArgs,
    /// Difference allowed as a part of each wanted value
    #[arg(long, default_value_t = 1e-3)]
    rtol: f64,
    /// Difference allowed as a part of the largest wanted value of the output
    #[arg(long, default_value_t = 1e-4)]
    atol_rel_to_max: f64,
    /// Difference allowed in any case
    #[arg(long, default_value_t = 1e-6)]
    atol: f64,
    /// Compare the fast profile too
    #[arg(long)]
    fast: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Recorded inputs, and outputs where there are any.
struct Case {
    name: String,
    inputs: Vec<(String, Array)>,
    outputs: Option<Vec<(String, Array)>>,
}

/// One way to run the model.
struct Way {
    name: &'static str,
    code: CodeArgs,
    /// Whether it promises the bits of every other strict way.
    strict: bool,
}

const fn way(name: &'static str, host: HostKind, profile: ProfileArg, code: CodeArg, strict: bool) -> Way {
    Way { name, code: CodeArgs { host, profile, code }, strict }
}

const STRICT: [Way; 3] = [
    way("strict-cranelift in wasmtime", HostKind::Wasmtime, ProfileArg::Strict, CodeArg::Derived, true),
    way("strict-v8 in wasmtime", HostKind::Wasmtime, ProfileArg::Strict, CodeArg::File, true),
    way("native", HostKind::Native, ProfileArg::Strict, CodeArg::Derived, true),
];
const FAST: Way = way("fast-cranelift in wasmtime", HostKind::Wasmtime, ProfileArg::Fast, CodeArg::Derived, false);

/// One line of the result.
struct Comparison {
    case: String,
    output: String,
    got: &'static str,
    want: &'static str,
    /// What has to hold for agreement.
    demand: Demand,
    difference: Difference,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Tolerance,
    Bits,
    /// Shown, never failed on: tract is an opinion.
    Nothing,
}

impl Comparison {
    fn agrees(&self) -> bool {
        match self.demand {
            Demand::Tolerance => self.difference.within,
            Demand::Bits => self.difference.bit_identical,
            Demand::Nothing => true,
        }
    }
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    match Source::read(&options.model)? {
        Source::Onnx(file) => verify_model(options, &file, console),
        Source::Plain(artifact) if artifact.kind == Kind::Module => verify_module(options, &artifact.bytes, console),
        _ => Err(Failure::model("verify.form", "only an .onnx or a module can be verified")
            .at(options.model.display())
            .hint("mote verify MODEL.onnx --cases DIR")),
    }
}

fn verify_model(options: &Options, file: &OnnxFile, console: Console) -> Result<(), Failure> {
    let path = options.cases.as_deref().ok_or_else(|| {
        Failure::usage("verify.cases", "no cases to verify with")
            .hint("--cases DIR with NAME.in.npz and NAME.out.npz pairs")
    })?;
    let cases = cases(path).map_err(|failure| failure.at(path.display()))?;
    let mut results = Vec::new();
    let mut opinions = Vec::new();
    for case in &cases {
        let (found, opinion) = verify_case(options, file, case, console)?;
        results.extend(found);
        opinions.extend(opinion.map(|refusal| (case.name.clone(), refusal)));
    }
    let wrong = results.iter().filter(|comparison| !comparison.agrees()).count();
    console.data(
        || as_json(&results, &opinions, cases.len(), wrong),
        || as_text(&results, &opinions, cases.len(), wrong),
    )?;
    if wrong > 0 {
        return Err(Failure {
            exit: Exit::Disagreement,
            code: "verify.disagreement",
            message: format!("{wrong} of {} comparisons disagree", results.len()),
            culprit: Some(options.model.display().to_string()),
            hint: Some("a strict way that differs from another in one bit is a fault of mote: please report it".into()),
        });
    }
    Ok(())
}

fn verify_case(
    options: &Options,
    file: &OnnxFile,
    case: &Case,
    console: Console,
) -> Result<(Vec<Comparison>, Option<String>), Failure> {
    let tolerance =
        Tolerance { relative: options.rtol, relative_to_max: options.atol_rel_to_max, absolute: options.atol };
    let given = |array: &(String, Array)| Given { name: Some(array.0.clone()), tensor: Tensor::Typed(array.1.clone()) };
    let given: Vec<Given> = case.inputs.iter().map(given).collect();
    let (compiled, tensors) = prepare::onnx(file, given, &options.dims, &STRICT[0].code, console)?;
    let mut results = Vec::new();
    let mut reference: Option<Vec<(String, Array)>> = None;
    let fast = options.fast.then_some(&FAST);
    for way in STRICT.iter().chain(fast) {
        let artifact = prepare::artifact(compiled.bytes.clone(), &way.code)?;
        let vouched = Vouched::locally(artifact, Console { volume: crate::console::Volume::Quiet, ..console })?;
        let mut runner = Runner::start(&vouched.open()?, &way.code, &options.trust, console)?;
        let calls = bind::calls(tensors.clone(), &runner.signatures)?;
        let outputs = runner.infer(&calls)?;
        if let Some(recorded) = &case.outputs {
            results.extend(compare(case, &outputs, recorded, (way.name, "recorded"), Demand::Tolerance, tolerance));
        }
        match &reference {
            None => reference = Some(outputs),
            Some(first) => {
                let demand = if way.strict { Demand::Bits } else { Demand::Tolerance };
                results.extend(compare(case, &outputs, first, (way.name, STRICT[0].name), demand, tolerance));
            }
        }
    }
    let opinion = second_opinion(file, case);
    let refusal = match (opinion, &reference) {
        (Ok(outputs), Some(first)) => {
            results.extend(compare(case, first, &outputs, (STRICT[0].name, "tract"), Demand::Nothing, tolerance));
            None
        }
        (Err(refusal), _) => Some(refusal),
        (Ok(_), None) => None,
    };
    Ok((results, refusal))
}

fn compare(
    case: &Case,
    got: &[(String, Array)],
    want: &[(String, Array)],
    (got_name, want_name): (&'static str, &'static str),
    demand: Demand,
    tolerance: Tolerance,
) -> Vec<Comparison> {
    let missing = |name: &str| Difference {
        bit_identical: false,
        within: false,
        max_abs: f64::NAN,
        max_rel: f64::NAN,
        incomparable: Some(format!("there is no output {name}")),
    };
    want.iter()
        .map(|(name, wanted)| {
            let found = got.iter().find(|(other, _)| other == name);
            let difference = found.map_or_else(|| missing(name), |(_, array)| Difference::of(array, wanted, tolerance));
            let (case, output) = (case.name.clone(), name.clone());
            Comparison { case, output, got: got_name, want: want_name, demand, difference }
        })
        .collect()
}

/// tract's outputs, or why it gives none.
fn second_opinion(file: &OnnxFile, case: &Case) -> Result<Vec<(String, Array)>, String> {
    let inputs: Vec<HostTensor> = case
        .inputs
        .iter()
        .map(|(name, a)| HostTensor { name: name.clone(), dtype: a.dtype, dims: a.dims.clone(), bytes: a.data.clone() })
        .collect();
    let opinion = SecondOpinion::prepare(&file.bytes, &inputs).and_then(|model| model.run(&inputs));
    let array = |t: HostTensor| (t.name, Array { dtype: t.dtype, dims: t.dims, data: t.bytes });
    opinion.map(|outputs| outputs.into_iter().map(array).collect()).map_err(|error| error.to_string())
}

/// Every pair of a folder in order of name, or one file of inputs.
fn cases(path: &Path) -> Result<Vec<Case>, Failure> {
    let read = |path: &Path| npz::read_file(path).map_err(|error| Failure::tensors(&error).at(path.display()));
    if path.is_file() {
        let outputs =
            path.to_string_lossy().strip_suffix(".in.npz").map(|stem| PathBuf::from(format!("{stem}.out.npz")));
        let outputs = outputs.filter(|path| path.exists()).map(|path| read(&path)).transpose()?;
        return Ok(vec![Case { name: file_name(path), inputs: read(path)?, outputs }]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| Failure::input("input.unreadable", error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".in.npz"));
    files.sort();
    if files.is_empty() {
        return Err(Failure::input("verify.no-cases", "no NAME.in.npz file in this folder"));
    }
    let case = |file: &PathBuf| {
        let stem = file_name(file).trim_end_matches(".in.npz").to_string();
        let outputs = file.with_file_name(format!("{stem}.out.npz"));
        let outputs = outputs.exists().then(|| read(&outputs)).transpose()?;
        Ok(Case { name: stem, inputs: read(file)?, outputs })
    };
    files.iter().map(case).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn as_json(results: &[Comparison], opinions: &[(String, String)], cases: usize, wrong: usize) -> Value {
    let comparisons: Vec<Value> = results
        .iter()
        .map(|c| {
            let mut line =
                json!({ "case": c.case, "output": c.output, "got": c.got, "want": c.want, "agrees": c.agrees() });
            line["difference"] = c.difference.json();
            line
        })
        .collect();
    let refused: Vec<Value> = opinions.iter().map(|(case, why)| json!({ "case": case, "why": why })).collect();
    json!({ "cases": cases, "disagreements": wrong, "comparisons": comparisons, "tract_refused": refused })
}

fn as_text(results: &[Comparison], opinions: &[(String, String)], cases: usize, wrong: usize) -> String {
    let mut text = String::new();
    let mut last = "";
    for comparison in results {
        if comparison.case != last {
            text += &format!("{}\n", comparison.case);
            last = &comparison.case;
        }
        let difference = &comparison.difference;
        let measured = match &difference.incomparable {
            Some(why) => why.clone(),
            None if difference.bit_identical => "bit-identical".into(),
            None => format!("max abs {:.3e}, max rel {:.3e}", difference.max_abs, difference.max_rel),
        };
        let verdict = match (comparison.agrees(), comparison.demand) {
            (false, _) => "WRONG",
            (true, Demand::Nothing) => "info ",
            (true, _) => "ok   ",
        };
        text +=
            &format!("  {verdict} {}: {} against {}: {measured}\n", comparison.output, comparison.got, comparison.want);
    }
    for (case, why) in opinions {
        text += &format!("{case}: tract gives no opinion ({})\n", why.lines().next().unwrap_or_default());
    }
    text + &format!("{cases} cases, {} comparisons, {wrong} disagreements\n", results.len())
}

/// Whether a module's code is what its Plan gives with the image that its Card names.
fn verify_module(options: &Options, wasm: &[u8], console: Console) -> Result<(), Failure> {
    let refused = |code, error: &dyn std::error::Error| Failure::model(code, error).at(options.model.display());
    mote_weld::check::module(wasm).map_err(|error| refused("model.check", &error))?;
    let card = Card::read(wasm).map_err(|error| refused("model.card", &error))?;
    let plan: AlignedBytes = plan_bytes(Kind::Module, wasm)?;
    let image = guest_image();
    let ours = mote_weld::module(&view(&plan)?, card.flavour, &image).map_err(|error| refused("model.weld", &error))?;
    let digest = mote_seal::Digest(image.digest).to_string();
    let comparable = card.image.as_ref().is_none_or(|stated| *stated == digest);
    let same = ours == wasm;
    console.data(
        || json!({ "flavour": card.flavour.name(), "image": card.image, "comparable": comparable, "identical": same }),
        || match (comparable, same) {
            (_, true) => format!("{}: the code is what the Plan gives\n", card.flavour),
            (false, false) => format!("{}: linked from another guest image; code cannot be compared\n", card.flavour),
            (true, false) => format!("{}: the code is not what the Plan gives\n", card.flavour),
        },
    )?;
    if comparable && !same {
        return Err(Failure {
            exit: Exit::Disagreement,
            code: "verify.code",
            message: "the module's code is not what its Plan gives".into(),
            culprit: Some(options.model.display().to_string()),
            hint: Some("do not run the code in this file; derived code is not affected".into()),
        });
    }
    Ok(())
}
