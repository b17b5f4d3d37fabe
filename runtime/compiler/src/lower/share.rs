//! Lets steps write over memory that nobody reads any more, and lets makers write straight into what is joined later.

use mote_plan::Kind;

use super::draft::{Draft, Params, Place, Role, Step, StorageRef, TensorRef};

/// Before: `a -> A, b -> B, copy A -> C[0..], copy B -> C[n..]`. After: `a -> C[0..], b -> C[n..]`.
///
/// A part moves into the whole where one plain copy takes all of its storage there.
pub(super) fn place_parts(draft: &mut Draft) {
    let mut filled = vec![false; draft.storages.len()];
    for step in draft.steps.iter().filter(|step| step.kind == Kind::Fill) {
        for storage in step.outputs.iter().filter_map(|&id| draft.storage_of(id)) {
            filled[storage.0] = true;
        }
    }
    for step in std::mem::take(&mut draft.steps) {
        match part_of(draft, &step).filter(|&(_, whole, _)| !filled[whole.0]) {
            Some((part, whole, offset)) => redirect(draft, part, whole, offset),
            None => draft.steps.push(step),
        }
    }
}

/// Before: `x -> X, relu X -> Y`. After: `x -> X, relu X -> X`, where nobody reads X later and the kind allows it.
pub(super) fn write_in_place(draft: &mut Draft) {
    let (makers, mut last) = makers_and_last_uses(draft);
    let mut dropped = vec![false; draft.steps.len()];
    for at in 0..draft.steps.len() {
        let made = draft.steps[at].outputs.first().and_then(|&y| Some((y, draft.storage_of(y)?)));
        let Some((y, target)) = made.filter(|(_, target)| makers[target.0] == Some(at)) else { continue };
        let operand = overwritable(&draft.steps[at]).iter().flatten().find_map(|&x| {
            let source = draft.storage_of(x)?;
            let roles = (draft.storages[source.0].role, draft.storages[target.0].role);
            let leaks = roles.0 == Role::Output || roles == (Role::Input, Role::Output);
            let dies = source != target && last[source.0] == at;
            (dies && !leaks && interchangeable(draft, x, y)).then_some(source)
        });
        let Some(source) = operand else { continue };
        // The halo of what is overwritten was zeroed when that was made.
        for (step, dropped) in draft.steps[..at].iter().zip(&mut dropped) {
            *dropped |= step.kind == Kind::Halo && step.outputs.iter().any(|&id| draft.storage_of(id) == Some(target));
        }
        last[source.0] = last[target.0];
        redirect(draft, target, source, 0);
    }
    let mut dropped = dropped.into_iter();
    draft.steps.retain(|_| dropped.next() != Some(true));
}

/// Per storage the first step that touches it, halos aside, and the last step.
fn makers_and_last_uses(draft: &Draft) -> (Vec<Option<usize>>, Vec<usize>) {
    let mut makers = vec![None; draft.storages.len()];
    let mut last = vec![0; draft.storages.len()];
    for (at, step) in draft.steps.iter().enumerate() {
        for storage in step.tensors().filter_map(|id| draft.storage_of(id)) {
            last[storage.0] = at;
            if step.kind != Kind::Halo {
                makers[storage.0].get_or_insert(at);
            }
        }
    }
    (makers, last)
}

/// The operands that the kind allows its result to overwrite.
fn overwritable(step: &Step) -> &[Option<TensorRef>] {
    match step.kind {
        Kind::Unary | Kind::ScatterNd | Kind::ScatterElements | Kind::Lookup => &step.inputs[..1],
        Kind::Binary | Kind::QBinary => &step.inputs,
        _ => &[],
    }
}

/// Whether two tensors have one layout and each covers its storage.
fn interchangeable(draft: &Draft, x: TensorRef, y: TensorRef) -> bool {
    let (a, b) = (&draft.tensor(x).spec, &draft.tensor(y).spec);
    a.dtype == b.dtype && a.dims() == b.dims() && a.halo == b.halo && covers(draft, x) && covers(draft, y)
}

fn covers(draft: &Draft, id: TensorRef) -> bool {
    let tensor = draft.tensor(id);
    match tensor.place {
        Place::Arena(storage, offset) => offset == 0 && tensor.spec.bytes == draft.storages[storage.0].bytes,
        Place::Const(_) => false,
    }
}

/// The part, the whole and the place in it, where a step does nothing but put one storage into another.
fn part_of(draft: &Draft, step: &Step) -> Option<(StorageRef, StorageRef, u32)> {
    let Params::Copy(copy) = step.params else { return None };
    let (source, target) = (step.inputs[0]?, step.outputs[0]);
    let (from, to) = (draft.tensor(source), draft.tensor(target));
    let count = copy.extent.iter().product::<u32>();
    let one_run = copy.rank <= 1 && [copy.from, copy.to] == [0, 0];
    let in_order = copy.rank == 0 || [copy.from_stride[0], copy.to_stride[0]] == [1, 1];
    let whole_tensors = [from, to].iter().all(|tensor| tensor.spec.is_dense() && tensor.spec.count() == count);
    let (Place::Arena(part, 0), Place::Arena(whole, offset)) = (&from.place, &to.place) else { return None };
    let sound = one_run && in_order && whole_tensors && covers(draft, source) && part != whole;
    (sound && draft.storages[part.0].role == Role::Inner).then_some((*part, *whole, *offset))
}

fn redirect(draft: &mut Draft, from: StorageRef, to: StorageRef, by: u32) {
    for tensor in &mut draft.tensors {
        if let Place::Arena(storage, offset) = &mut tensor.place
            && *storage == from
        {
            (*storage, *offset) = (to, *offset + by);
        }
    }
    if draft.storages[from.0].role == Role::Output {
        draft.storages[to.0].role = Role::Output;
    }
}
