//! Recorded inputs become the calls that a release is tested with.

use std::path::{Path, PathBuf};

use mote_release::{Call, Draft};

use crate::bind;
use crate::report::Failure;
use crate::signature::{Signature, signatures};
use crate::source::view;
use crate::tensors::{Given, Tensor, npz};

/// The recorded inputs of a folder, `NAME.in.npz`, in order of name.
pub(crate) fn recorded(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| Failure::input("input.unreadable", error).at(folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.to_string_lossy().ends_with(".in.npz") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The calls that recorded inputs make of a draft's entries; none of a foreign guest.
pub(crate) fn calls(draft: &Draft, cases: &[PathBuf]) -> Result<Vec<Call>, Failure> {
    let Some(plan) = draft.plan() else { return Ok(Vec::new()) };
    let signatures = signatures(&view(plan)?);
    let call = |path: &PathBuf| call(&signatures, path).map_err(|failure| failure.at(path.display()));
    cases.iter().map(call).collect()
}

fn call(signatures: &[Signature], path: &Path) -> Result<Call, Failure> {
    let arrays = npz::read_file(path).map_err(|error| Failure::tensors(&error))?;
    let given =
        arrays.into_iter().map(|(name, array)| Given { name: Some(name), tensor: Tensor::Typed(array) }).collect();
    let first = signatures.first().ok_or_else(|| Failure::model("model.no-entry", "the model has no entry"))?;
    let names: Vec<&str> = first.inputs.iter().map(|slot| slot.name.as_str()).collect();
    let (tensors, _) = bind::pair(given, &names)?;
    let calls = bind::calls(tensors, signatures)?;
    Ok(Call { entry: calls.entry, inputs: calls.arrays.into_iter().flat_map(|array| array.data).collect() })
}
