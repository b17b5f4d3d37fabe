//! One case through import, passes, lowering and the native engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileError, CompileOptions, Compiled, ImportError, Reason, Refusal, compile};
use mote_plan::{AlignedBytes, Plan};

use super::case::{Case, Expect, Set};
use super::feasible::infeasible;
use super::glance::{self, Glance};
use super::tensor::Tensor;
use crate::evidence::relative_error;
use crate::npz::Array;

/// Most operands of a node whose number of results depends on data.
const MOST_OPERANDS: usize = 8;

/// What became of a case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It agrees.
    Passed {
        /// The largest error of a float output relative to its largest element.
        error: f64,
        /// That output.
        output: String,
    },
    /// It was refused, though it could be asked for.
    Refused(Vec<RefusedNode>),
    /// It was refused, and cannot be asked for.
    Infeasible(&'static str),
    /// It was answered wrongly, or not in an orderly way.
    Wrong(String),
}

impl Verdict {
    const PASSED: Self = Self::Passed { error: 0.0, output: String::new() };
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed { error, output } if output.is_empty() => write!(f, "passed, {error:.1e}"),
            Self::Passed { error, output } => write!(f, "passed, {error:.1e} in `{output}`"),
            Self::Infeasible(why) => write!(f, "infeasible: {why}"),
            Self::Wrong(how) => write!(f, "WRONG: {how}"),
            Self::Refused(nodes) => {
                write!(f, "refused:")?;
                nodes.iter().try_for_each(|RefusedNode { node, op, reason }| write!(f, " {op} `{node}`: {reason};"))
            }
        }
    }
}

/// A refusal as the compiler states it.
#[derive(Clone, Debug)]
pub struct RefusedNode {
    /// Node, empty where it is about the whole model.
    pub node: String,
    /// Operator, the model's first where it is about the whole model.
    pub op: String,
    /// Why.
    pub reason: String,
}

/// What was found out about a case.
#[derive(Clone, Debug)]
pub struct Judged {
    /// See there.
    pub verdict: Verdict,
    /// Inputs that the model asks to be constant, and that were.
    pub constant: Vec<String>,
    /// Every call, for other hosts to repeat.
    pub ran: Vec<Ran>,
    /// The longest compilation.
    pub compiling: Duration,
}

/// One call of the native engine.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The Plan.
    pub plan: Vec<u8>,
    /// The bytes of the inputs, in the Plan's order.
    pub inputs: Vec<Vec<u8>>,
    /// The outputs, in the Plan's order.
    pub outputs: Vec<Array>,
    /// What the numbers of strings stand for.
    pub words: Vec<String>,
}

/// Compiles a case for the shapes of its inputs, runs it and compares. Where the compiler asks for an input to be
/// constant, the recorded one is stored in the model, as exporters store parameters.
#[must_use]
pub fn judge(case: &Case) -> Judged {
    let mut judged =
        Judged { verdict: Verdict::Refused(Vec::new()), constant: vec![], ran: vec![], compiling: Duration::ZERO };
    let ended = catch_unwind(AssertUnwindSafe(|| match (case.expect, sets(case, &mut judged)) {
        (Expect::Refusal, Verdict::Refused(_)) | (Expect::OrderlyEnd, _) => Verdict::PASSED,
        (Expect::Refusal, _) => Verdict::Wrong("it must be refused, and was not".to_owned()),
        (Expect::Pass, verdict) => verdict,
    }));
    judged.verdict = ended.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Verdict::Wrong(format!("panicked: {}", said.unwrap_or_default()))
    });
    judged
}

fn sets(case: &Case, judged: &mut Judged) -> Verdict {
    let bytes = case.bytes();
    let glance = Glance::of(&bytes).unwrap_or_default();
    let (mut worst, mut output) = (0.0, String::new());
    for set in &case.sets {
        let inputs = set.inputs(&glance.inputs);
        let ran = match attempts(&bytes, &glance, inputs, set, judged) {
            Ok(ran) => ran,
            Err(Verdict::Refused(nodes)) => {
                return infeasible(&glance).map_or(Verdict::Refused(nodes), Verdict::Infeasible);
            }
            Err(verdict) => return verdict,
        };
        match agreement(case, set, &glance, &ran) {
            Ok((error, name)) if error > worst => (worst, output) = (error, name),
            Ok(_) => {}
            Err(how) => return Verdict::Wrong(how),
        }
        judged.ran.push(ran);
    }
    Verdict::Passed { error: worst, output }
}

/// Tries again with more bounds and constants for as long as the compiler asks for them.
fn attempts(
    model: &[u8],
    glance: &Glance,
    inputs: Vec<Tensor>,
    set: &Set,
    judged: &mut Judged,
) -> Result<Ran, Verdict> {
    let mut constant: BTreeSet<String> = judged.constant.iter().cloned().collect();
    loop {
        let (stored, given): (Vec<Tensor>, Vec<Tensor>) =
            inputs.iter().cloned().partition(|tensor| constant.contains(tensor.name()));
        let protos: Option<Vec<Vec<u8>>> = stored.iter().map(Tensor::to_proto).collect();
        let bound = protos.map_or_else(|| model.to_vec(), |protos| glance::stored(model, &protos));
        let started = Instant::now();
        let compiled = compiled(&bound, &given, BTreeMap::new()).or_else(|error| {
            let wanted: Vec<Tensor> = set.outputs(&glance.outputs);
            fitting_bound(&bound, &given, &error, &wanted).ok_or(error)
        });
        judged.compiling = std::cmp::max(judged.compiling, started.elapsed());
        match compiled {
            Ok(compiled) => {
                judged.constant = constant.into_iter().collect();
                return run(&compiled, &given).map_err(Verdict::Wrong);
            }
            Err(error) => {
                let wanted = wanted(glance, &error);
                let before = constant.len();
                constant.extend(wanted);
                if constant.len() == before {
                    return Err(Verdict::Refused(refused(glance, &error)));
                }
            }
        }
    }
}

/// Bounds the nodes whose number of results depends on data so that the outputs are as long as recorded.
fn fitting_bound(model: &[u8], inputs: &[Tensor], error: &CompileError, wanted: &[Tensor]) -> Option<Compiled> {
    let open: Vec<String> = refusals(error)
        .into_iter()
        .filter(|refusal| matches!(refusal.reason, Reason::Unbounded))
        .map(|refusal| refusal.node.clone())
        .collect();
    if open.is_empty() {
        return None;
    }
    let lengths: BTreeSet<usize> = wanted.iter().filter_map(Tensor::dims).flatten().copied().collect();
    lengths.into_iter().find_map(|length| {
        let bounds = open.iter().map(|node| (node.clone(), length)).collect();
        let compiled = compiled(model, inputs, bounds).ok()?;
        let graph = &compiled.entries[0].graph;
        let fits = |want: &Tensor| {
            let got = graph.outputs.iter().map(|&id| graph.value(id)).find(|got| got.name == want.name());
            got.is_some_and(|got| want.dims().is_some_and(|dims| got.dims == dims))
        };
        wanted.iter().all(fits).then_some(compiled)
    })
}

fn compiled(model: &[u8], inputs: &[Tensor], bounds: BTreeMap<String, usize>) -> Result<Compiled, CompileError> {
    let shape = |tensor: &Tensor| Some((tensor.name().to_owned(), tensor.dims()?.to_vec()));
    let input_shapes: BTreeMap<String, Vec<usize>> = inputs.iter().filter_map(shape).collect();
    let import = ImportOptions { input_shapes, bounds, ..ImportOptions::default() };
    compile(model, &CompileOptions { name: "suite".to_owned(), import, ..CompileOptions::default() })
}

/// The inputs of the model that a refusal asks to be constant.
fn wanted(glance: &Glance, error: &CompileError) -> BTreeSet<String> {
    let of = |refusal: &Refusal| match refusal.reason {
        Reason::NotConstant(input) => glance.feeders(&refusal.node, input),
        // How much is kept is known where the condition is.
        Reason::Unbounded if refusal.op == "Compress" => glance.feeders(&refusal.node, 1),
        Reason::Unbounded => (0..MOST_OPERANDS).flat_map(|input| glance.feeders(&refusal.node, input)).collect(),
        _ => BTreeSet::new(),
    };
    refusals(error).into_iter().flat_map(of).collect()
}

fn refusals(error: &CompileError) -> Vec<&Refusal> {
    match error {
        CompileError::Import(ImportError::Refused(all)) => std::iter::once(&all.first).chain(&all.others).collect(),
        _ => Vec::new(),
    }
}

fn refused(glance: &Glance, error: &CompileError) -> Vec<RefusedNode> {
    let nodes: Vec<RefusedNode> = refusals(error)
        .into_iter()
        .map(|r| RefusedNode { node: r.node.clone(), op: r.op.clone(), reason: r.reason.to_string() })
        .collect();
    if !nodes.is_empty() {
        return nodes;
    }
    let op = glance.nodes.first().map(|node| node.op.clone()).unwrap_or_default();
    vec![RefusedNode { node: String::new(), op, reason: format!("{}: {error}", error.code()) }]
}

/// Runs the native engine once.
fn run(compiled: &Compiled, given: &[Tensor]) -> Result<Ran, String> {
    let failed = |e: &dyn std::fmt::Debug| format!("the Plan cannot run: {e:?}");
    let bytes = AlignedBytes::copy_of(&compiled.plan);
    let plan = Plan::view(&bytes).map_err(|e| failed(&e))?;
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = mote_engine::Arena::new(&mut memory).map_err(|e| failed(&e))?;
    let graph = &compiled.entries[0].graph;
    let mut inputs = Vec::new();
    for (i, &id) in graph.inputs.iter().enumerate() {
        let value = graph.value(id);
        let array = given.iter().find(|tensor| tensor.name() == value.name).and_then(|t| t.numbered(&graph.words));
        let array = array.ok_or_else(|| format!("input `{}` was not recorded as numbers", value.name))?;
        let room = mote_engine::input_mut(&plan, 0, i, &mut arena).ok_or_else(|| failed(&value.name))?;
        if array.dtype != value.dtype || room.len() != array.bytes.len() {
            return Err(format!("input `{}` is {}, not {}", value.name, value.dtype, array.dtype));
        }
        room.copy_from_slice(&array.bytes);
        inputs.push(array.bytes);
    }
    mote_engine::run(&plan, 0, &mut arena).map_err(|e| failed(&e))?;
    let mut outputs = Vec::new();
    for (i, &id) in graph.outputs.iter().enumerate() {
        let value = graph.value(id);
        let bytes = mote_engine::output(&plan, 0, i, &arena).ok_or_else(|| failed(&value.name))?.to_vec();
        outputs.push(Array { name: value.name.clone(), dtype: value.dtype, dims: value.dims.clone(), bytes });
    }
    Ok(Ran { plan: compiled.plan.clone(), inputs, outputs, words: graph.words.clone() })
}

/// The largest relative error and its output, or how the first differing output differs.
fn agreement(case: &Case, set: &Set, glance: &Glance, ran: &Ran) -> Result<(f64, String), String> {
    let (mut worst, mut output) = (0.0, String::new());
    for want in set.outputs(&glance.outputs) {
        let name = want.name().to_owned();
        let got = ran.outputs.iter().find(|got| got.name == name);
        let got = got.ok_or_else(|| format!("output `{name}` is missing"))?;
        if let Some(text) = want.stranger(&ran.words) {
            return Err(format!("output `{name}` cannot hold {text:?}, which the model does not name"));
        }
        let Some(want) = want.numbered(&ran.words) else {
            return Err(format!("output `{name}` is {}, and was not recorded as numbers", got.dtype));
        };
        if let Some(difference) = case.tolerance.difference(got, &want) {
            return Err(format!("output `{name}` {difference}"));
        }
        let error = relative_error(got, &want);
        if error > worst {
            (worst, output) = (error, name);
        }
    }
    Ok((worst, output))
}
