//! Graph to Plan: nodes become steps, values become tensors, tensors get addresses.
//!
//! Start at [`plan`]. `layout` decides which images keep a border of zeros, `steps` writes a draft of each entry,
//! `share` lets its steps reuse memory, `memory` assigns addresses, and the draft is written out here.

mod boxes;
mod build;
mod count;
mod draft;
mod error;
mod half;
mod layout;
mod memory;
mod pack;
mod report;
mod share;
mod steps;
mod target;
#[cfg(test)]
mod tests;

use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{Meta, TensorId};

pub(crate) use count::factor_sum;
pub use count::macs;
pub use error::LowerError;
pub use half::Weights;
pub use report::{BufferReport, EntryReport, Report, StepReport};
pub use target::{Core, Target, UnknownTarget};

use crate::graph::Graph;
use build::Build;
use draft::{Draft, Place, TensorRef};
use layout::Layout;
use memory::Memory;

/// One way to call a model: its graph at one batch size.
#[derive(Clone, Debug)]
pub struct EntryGraph {
    /// Rows that one call takes.
    pub batch: u32,
    /// The graph, shapes bound to that batch.
    pub graph: Graph,
}

/// A Plan and what is known of it.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The bytes, as `plan/FORMAT.md` lays them out.
    pub plan: Vec<u8>,
    /// Bytes of constants in it.
    pub constant_bytes: u64,
    /// Memory and work, per entry.
    pub report: Report,
}

/// Writes the Plan of a model, one entry per graph over one copy of the weights. Equal graphs, meta and target give
/// equal bytes.
///
/// # Errors
/// See [`LowerError`]: weights that are not finite or not constant, element types without a kernel, tensors or an arena
/// beyond what a Plan can address.
pub(crate) fn plan(entries: &[EntryGraph], meta: &Meta, target: Target) -> Result<Lowered, LowerError> {
    plan_with(entries, meta, target, Weights::default())
}

/// Like [`plan`], with a choice of how weights are stored.
pub(crate) fn plan_with(
    entries: &[EntryGraph],
    meta: &Meta,
    target: Target,
    weights: Weights,
) -> Result<Lowered, LowerError> {
    let mut drafts = Vec::with_capacity(entries.len());
    for entry in entries {
        let draft = draft(&entry.graph, target, weights)?;
        let memory = memory::assign(&draft, target.buffer_align())?;
        drafts.push((draft, memory));
    }
    memory::drop_needless_halos(&mut drafts);
    let mut writer = Writer::new(target.const_align());
    let mut report = Report::default();
    for (entry, (draft, memory)) in entries.iter().zip(&drafts) {
        let facts = EntryReport::new(entry.batch, draft, memory);
        write_entry(&mut writer, draft, memory, &facts)?;
        report.entries.push(facts);
    }
    let constant_bytes = writer.constant_bytes();
    Ok(Lowered { plan: writer.finish(meta)?, constant_bytes, report })
}

fn draft(graph: &Graph, target: Target, weights: Weights) -> Result<Draft, LowerError> {
    let mut build = Build::new(graph, Layout::of(graph, target))?;
    for node in &graph.nodes {
        steps::lower(&mut build, node)?;
    }
    let mut draft = build.finish()?;
    if weights == Weights::HalfWhereExact {
        half::store(&mut draft)?;
    }
    share::place_parts(&mut draft);
    share::write_in_place(&mut draft);
    Ok(draft)
}

fn write_entry(writer: &mut Writer, draft: &Draft, memory: &Memory, facts: &EntryReport) -> Result<(), LowerError> {
    let mut ids: Vec<Option<TensorId>> = vec![None; draft.tensors.len()];
    let mut id = |writer: &mut Writer, tensor: TensorRef| -> Result<TensorId, LowerError> {
        if let Some(id) = ids[tensor.0] {
            return Ok(id);
        }
        let id = write_tensor(writer, draft, memory, tensor)?;
        ids[tensor.0] = Some(id);
        Ok(id)
    };
    let inputs = draft.inputs.iter().map(|&t| id(writer, t)).collect::<Result<_, _>>()?;
    for step in &draft.steps {
        let operands =
            step.inputs.iter().map(|t| t.map(|t| id(writer, t)).transpose()).collect::<Result<Vec<_>, _>>()?;
        let results = step.outputs.iter().map(|&t| id(writer, t)).collect::<Result<Vec<_>, _>>()?;
        step.write(writer, &operands, &results);
    }
    let outputs = draft.outputs.iter().map(|&t| id(writer, t)).collect::<Result<_, _>>()?;
    writer.entry(EntrySpec {
        batch: facts.batch,
        inputs,
        outputs,
        arena_bytes: facts.arena_bytes,
        macs: facts.macs(),
        ops: facts.ops(),
    });
    Ok(())
}

fn write_tensor(
    writer: &mut Writer,
    draft: &Draft,
    memory: &Memory,
    tensor: TensorRef,
) -> Result<TensorId, LowerError> {
    let tensor = draft.tensor(tensor);
    let spec = &tensor.spec;
    let id = match &tensor.place {
        Place::Const(bytes) => writer.constant(spec.dtype, spec.dims(), bytes)?,
        Place::Arena(storage, offset) => {
            let start = memory.spans[storage.0].map_or(0, |span| span.offset);
            writer.arena(spec.dtype, spec.dims(), spec.halo, start + offset)?
        }
    };
    if let Some(name) = &tensor.name {
        writer.name(id, name)?;
    }
    Ok(id)
}
