//! From a model file and given arrays to something that can be opened and the tensors it is called with.

use std::path::Path;

use mote_compiler::States;
use mote_seal::Kind;
use mote_weld::{Flavour, Tuning};

use crate::args::{CodeArg, CodeArgs, DimArgs, HostKind, TrustArgs};
use crate::bind;
use crate::console::Console;
use crate::report::Failure;
use crate::source::{Artifact, OnnxFile, Request, Source, weld};
use crate::tensors::{Given, Tensor};
use crate::trust::Vouched;

/// Inputs that are not paired yet, because only the loaded model knows its names.
pub(crate) enum Inputs {
    Given(Vec<Given>),
    Paired(Vec<Tensor>),
}

/// Reads a model of any form; an .onnx is compiled for the shapes of the arrays.
pub(crate) fn model(
    path: &Path,
    given: Vec<Given>,
    dims: &DimArgs,
    code: &CodeArgs,
    trust: &TrustArgs,
    console: Console,
) -> Result<(Vouched, Inputs), Failure> {
    match Source::read(path)? {
        Source::Onnx(file) => {
            let (artifact, tensors) = onnx(&file, given, dims, code, console)?;
            Ok((Vouched::locally(artifact, console)?, Inputs::Paired(tensors)))
        }
        source => {
            if let Some((name, _)) = dims.dims.first() {
                return Err(Failure::usage("usage.dim", "a compiled model has no symbolic dimensions left")
                    .at(format!("--dim {name}")));
            }
            if let Some((name, _)) = dims.bounds.first() {
                return Err(Failure::usage("usage.bound", "a compiled model has its bounds already")
                    .at(format!("--bound {name}")));
            }
            let vouched = match source {
                Source::Sealed(bytes) => {
                    Vouched::sealed(&bytes, trust).map_err(|failure| failure.at(path.display()))?
                }
                Source::Plain(artifact) => {
                    Vouched::locally(artifact, console).map_err(|failure| failure.at(path.display()))?
                }
                Source::Onnx(_) => return Err(Failure::model("model.form", "not a compiled model")),
            };
            Ok((vouched, Inputs::Given(given)))
        }
    }
}

/// Reads a model of any form for a stream; an .onnx is compiled for the shapes of its frames.
pub(crate) fn streaming(
    path: &Path,
    given: &[Given],
    request: Request,
    code: &CodeArgs,
    trust: &TrustArgs,
    console: Console,
) -> Result<Vouched, Failure> {
    let Source::Onnx(file) = Source::read(path)? else {
        if request.state != States::Recognised {
            return Err(Failure::usage("usage.state", "a compiled model says itself what its state is").at("--state"));
        }
        let dims = DimArgs { dims: request.dims, bounds: request.bounds };
        return model(path, Vec::new(), &dims, code, trust, console).map(|(vouched, _)| vouched);
    };
    let specs = file.inputs()?;
    let shapes = specs.iter().filter_map(|spec| {
        let given = given.iter().find(|given| given.name.as_ref() == Some(&spec.name)).or(match given {
            [only] if only.name.is_none() => Some(only),
            _ => None,
        })?;
        let (rank, dims) = (spec.dims.as_ref()?.len(), given.tensor.dims());
        let frame = if dims.len() == rank + 1 { dims.get(1..)? } else { dims };
        (frame.len() == rank && given.tensor.dtype().is_some()).then(|| (spec.name.clone(), frame.to_vec()))
    });
    let request = Request { shapes: shapes.collect(), ..request };
    let plan = file.compile(&request, console)?.plan;
    Vouched::locally(artifact(plan, code)?, console)
}

/// Reads a model of any form without arrays; what the command line leaves open of an .onnx is 1 where it counts rows.
pub(crate) fn without_inputs(
    path: &Path,
    dims: &DimArgs,
    code: &CodeArgs,
    trust: &TrustArgs,
    console: Console,
) -> Result<Vouched, Failure> {
    let Source::Onnx(file) = Source::read(path)? else {
        return model(path, Vec::new(), dims, code, trust, console).map(|(vouched, _)| vouched);
    };
    let request = Request { dims: dims.dims.clone(), bounds: dims.bounds.clone(), ..Request::default() };
    let plan = file.compile(&request, console)?.plan;
    Vouched::locally(artifact(plan, code)?, console)
}

/// Compiles an ONNX model for the arrays: to a Plan, or to a Module where its own code shall run.
pub(crate) fn onnx(
    file: &OnnxFile,
    given: Vec<Given>,
    dims: &DimArgs,
    code: &CodeArgs,
    console: Console,
) -> Result<(Artifact, Vec<Tensor>), Failure> {
    let specs = file.inputs()?;
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let tensors = pair(given, &names, console)?;
    let shapes = specs
        .iter()
        .zip(&tensors)
        .filter_map(|(spec, tensor)| Some((spec.name.clone(), bind::shape_for(spec, tensor)?)));
    let request = Request {
        dims: dims.dims.clone(),
        bounds: dims.bounds.clone(),
        shapes: shapes.collect(),
        ..Request::default()
    };
    let plan = file.compile(&request, console)?.plan;
    Ok((artifact(plan, code)?, tensors))
}

/// What a host loads to run this Plan as the options say.
pub(crate) fn artifact(plan: Vec<u8>, code: &CodeArgs) -> Result<Artifact, Failure> {
    if code.host == HostKind::Wasmtime && code.code == CodeArg::File {
        let flavour = Flavour { profile: code.profile.into(), tuning: Tuning::V8 };
        return Ok(Artifact { kind: Kind::Module, bytes: weld(&plan, flavour)? });
    }
    Ok(Artifact { kind: Kind::Plan, bytes: plan })
}

/// Pairs arrays with inputs and says which were not wanted.
pub(crate) fn pair(given: Vec<Given>, names: &[&str], console: Console) -> Result<Vec<Tensor>, Failure> {
    let (tensors, extra) = bind::pair(given, names)?;
    if !extra.is_empty() {
        console.note(format_args!("not an input of the model, left out: {}", extra.join(", ")));
    }
    Ok(tensors)
}
