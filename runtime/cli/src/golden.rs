//! Golden vectors: recorded inputs with the digest of what the native engine makes of them. A device runs them before it
//! trusts a model.

use std::path::{Path, PathBuf};

use mote_abi::DType;
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Plan};
use mote_seal::Digest;
use mote_seal::golden::{Inputs, MAX_RECORDED, OutputHasher, Vector, write};

use crate::bind;
use crate::report::Failure;
use crate::signature::{Signature, signatures};
use crate::source::view;
use crate::tensors::{Given, Tensor, npz};

/// One call of the model.
struct Recorded {
    entry: u32,
    inputs: Vec<u8>,
    digest: Digest,
}

/// The golden file of a Plan from archives of inputs, one call each. Calls with more input than is recorded are left out.
pub(crate) fn of_cases(plan: &[u8], cases: &[PathBuf]) -> Result<Vec<u8>, Failure> {
    let bytes = AlignedBytes::copy_of(plan);
    let plan = view(&bytes)?;
    let signatures = signatures(&plan);
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut calls = Vec::new();
    for path in cases {
        let call = record(&plan, &signatures, &mut memory, path).map_err(|failure| failure.at(path.display()))?;
        if call.inputs.len() <= MAX_RECORDED {
            calls.push(call);
        }
    }
    let vectors: Vec<Vector<'_>> = calls
        .iter()
        .map(|call| {
            let inputs = Inputs::Recorded(&call.inputs);
            Vector { entry: call.entry, inputs, digest: call.digest, expected: None }
        })
        .collect();
    Ok(write(&vectors))
}

fn record(
    plan: &Plan<'_>,
    signatures: &[Signature],
    memory: &mut AlignedBytes,
    path: &Path,
) -> Result<Recorded, Failure> {
    let arrays = npz::read_file(path).map_err(|error| Failure::tensors(&error))?;
    let given =
        arrays.into_iter().map(|(name, array)| Given { name: Some(name), tensor: Tensor::Typed(array) }).collect();
    let first = signatures.first().ok_or_else(|| Failure::model("model.no-entry", "the model has no entry"))?;
    let names: Vec<&str> = first.inputs.iter().map(|slot| slot.name.as_str()).collect();
    let (tensors, _) = bind::pair(given, &names)?;
    let calls = bind::calls(tensors, signatures)?;
    let entry = calls.entry;
    let failed = |error: mote_engine::Fault| Failure::execution("run.failed", error);

    let mut arena = Arena::new(memory).map_err(failed)?;
    for (index, array) in calls.arrays.iter().enumerate() {
        let place =
            mote_engine::input_mut(plan, entry, index, &mut arena).filter(|place| place.len() == array.data.len());
        place.ok_or_else(|| failed(mote_engine::Fault::MalformedPlan))?.copy_from_slice(&array.data);
    }
    mote_engine::run(plan, entry, &mut arena).map_err(failed)?;

    let outputs = signatures.get(entry as usize).map_or(&[][..], |signature| &signature.outputs);
    let mut hasher = OutputHasher::new();
    for (index, slot) in outputs.iter().enumerate() {
        let bytes = mote_engine::output(plan, entry, index, &arena).unwrap_or_default();
        match slot.dtype {
            DType::F32 => hasher.f32(bytes),
            _ => hasher.bytes(bytes),
        }
    }
    let inputs = calls.arrays.into_iter().flat_map(|array| array.data).collect();
    Ok(Recorded { entry, inputs, digest: hasher.finish() })
}
