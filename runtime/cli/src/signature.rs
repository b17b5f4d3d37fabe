//! What a Plan's entries take and give.

use mote_abi::DType;
use mote_host::{EntryPorts, Port};
use mote_plan::{Meta, Plan, TensorId};

use crate::report::Failure;

/// One input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) dims: Vec<usize>,
}

impl Slot {
    pub(crate) fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

/// One way to call the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) batch: u32,
    pub(crate) inputs: Vec<Slot>,
    pub(crate) outputs: Vec<Slot>,
}

/// The entries of a Plan, by index.
pub(crate) fn signatures(plan: &Plan<'_>) -> Vec<Signature> {
    let slot = |id: TensorId| {
        let tensor = plan.tensor(id)?;
        let dims = tensor.dims().iter().map(|&dim| dim as usize).collect();
        Some(Slot { name: plan.name(&tensor)?.into(), dtype: tensor.dtype, dims })
    };
    plan.entries()
        .map(|entry| Signature {
            batch: entry.batch,
            inputs: entry.inputs().filter_map(slot).collect(),
            outputs: entry.outputs().filter_map(slot).collect(),
        })
        .collect()
}

/// The entries of a loaded model, by index.
pub(crate) fn of_ports(entries: &[EntryPorts]) -> Vec<Signature> {
    let slot = |port: &Port| Slot {
        name: port.name.clone(),
        dtype: port.dtype,
        dims: port.dims.iter().map(|&dim| dim as usize).collect(),
    };
    entries
        .iter()
        .map(|entry| Signature {
            batch: entry.batch,
            inputs: entry.inputs.iter().map(slot).collect(),
            outputs: entry.outputs.iter().map(slot).collect(),
        })
        .collect()
}

/// What the Plan says of itself.
pub(crate) fn meta(plan: &Plan<'_>) -> Result<Meta, Failure> {
    serde_json::from_str(plan.meta_json())
        .map_err(|error| Failure::model("model.meta", error).at("the Plan's meta block"))
}
