//! Weights that half precision holds exactly lie half in the Plan and are widened where they are used.

use mote_abi::DType;
use mote_plan::{Halo, Kind};

use super::draft::{Draft, Params, Place, Role, Step, TensorRef};
use super::error::LowerError;

/// Which constants of f32 a Plan stores in 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// None.
    #[default]
    Whole,
    /// Those that f16 or bf16 holds without a difference, such as the weights of a file in half precision. Each is widened
    /// in the arena before the step that reads it.
    HalfWhereExact,
}

/// Smaller constants would save less than the step that widens them takes.
const LEAST_BYTES: u32 = 256;

/// Before: `y = conv(x, w)`. After: `v = cast(half w)`, `y = conv(x, v)`. No bit of y changes.
pub(super) fn store(draft: &mut Draft) -> Result<(), LowerError> {
    for mut step in std::mem::take(&mut draft.steps) {
        for i in 0..step.inputs.len() {
            let Some(narrow) = step.inputs[i].map(|id| narrowed(draft, id)).transpose()?.flatten() else { continue };
            let dims = draft.tensor(narrow).dims();
            let wide = draft.fresh(&step.node, DType::F32, &dims, Halo::NONE, Role::Inner)?;
            draft.steps.push(Step {
                kind: Kind::Cast,
                inputs: vec![Some(narrow)],
                outputs: vec![wide],
                params: Params::None,
                node: step.node.clone(),
            });
            step.inputs[i] = Some(wide);
        }
        draft.steps.push(step);
    }
    Ok(())
}

/// The constant in the first 16-bit type that holds all its elements.
fn narrowed(draft: &mut Draft, id: TensorRef) -> Result<Option<TensorRef>, LowerError> {
    let tensor = draft.tensor(id);
    let (spec, dims) = (tensor.spec, tensor.dims());
    let Place::Const(bytes) = &tensor.place else { return Ok(None) };
    if spec.dtype != DType::F32 || spec.bytes < LEAST_BYTES {
        return Ok(None);
    }
    let halves = [DType::F16, DType::BF16].into_iter().find_map(|dtype| Some((dtype, exactly(bytes, dtype)?)));
    let Some((dtype, halves)) = halves else { return Ok(None) };
    draft.constant("weights", dtype, &dims, halves.into()).map(Some)
}

/// The elements in half precision, where none of them changes.
fn exactly(bytes: &[u8], dtype: DType) -> Option<Vec<u8>> {
    let format = dtype.half()?;
    let mut halves = Vec::with_capacity(bytes.len() / 2);
    for &raw in bytes.as_chunks().0 {
        let half = format.narrow(f32::from_le_bytes(raw).into());
        if format.widen(half).to_bits().to_le_bytes() != raw {
            return None;
        }
        halves.extend(half.to_le_bytes());
    }
    Some(halves)
}
