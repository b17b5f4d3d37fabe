//! Scans, written out: one round per slice of the scanned inputs.

use tract_onnx::pb::{GraphProto, NodeProto};

use super::control::{graph_attribute, only_tensor, tensor};
use super::item::Item;
use super::node::axis;
use super::walk::{Failure, Made, Walk, title};
use crate::error::Reason;
use crate::graph::ValueId;

/// What a scan runs over, and how.
struct Scan<'n> {
    node: &'n NodeProto,
    body: &'n GraphProto,
    carried: usize,
    /// Axis of each scanned input, and whether it is walked from the end.
    inputs: Vec<(usize, bool)>,
    /// Axis of each result, and whether it is stacked from the end.
    outputs: Vec<(i64, bool)>,
}

impl Walk<'_> {
    /// Writes out a scan.
    pub(super) fn scan(&mut self, node: &NodeProto, inputs: &[Option<Item>]) -> Made {
        let given = present(inputs)?;
        let scan = self.read_scan(node, &given, 0)?;
        let made = self.scan_over(&scan, &given)?;
        Ok(made.map(tensors))
    }

    /// Writes out a scan of operator set 8: every input has a batch axis first, and scans run along the second.
    pub(super) fn batched_scan(&mut self, node: &NodeProto, inputs: &[Option<Item>]) -> Made {
        let lengths = tensor(inputs, 0)?;
        let given = present(&inputs[1..])?;
        let scan = self.read_scan(node, &given, 1)?;
        let first = *given.first().ok_or(Reason::MissingInput(1))?;
        let rounds = given.last().and_then(|&last| self.emit.dims(last).get(1).copied());
        if let Some(lengths) = lengths {
            let known = self.emit.ints(lengths).ok_or(Reason::NotConstant(0))?;
            if known.iter().any(|&length| usize::try_from(length).ok() != rounds) {
                return Err(Reason::Form("its sequences differ in length").into());
            }
        }
        let batch = *self.emit.dims(first).first().ok_or(Reason::Shape { what: "a scanned input", got: vec![] })?;
        let mut rows: Vec<Vec<ValueId>> = vec![Vec::new(); scan.carried + scan.outputs.len()];
        for row in 0..batch {
            let mut own = Vec::with_capacity(given.len());
            for &id in &given {
                if self.emit.is_padded(id) {
                    return Err(Reason::Padded.into());
                }
                if self.emit.dims(id).first() != Some(&batch) {
                    return Err(Reason::Shapes(self.emit.dims(first), self.emit.dims(id)).into());
                }
                let slice = self.emit.narrow(id, 0, row, 1)?;
                own.push(self.emit.drop_axes(slice, &[0])?);
            }
            let Some(made) = self.scan_over(&scan, &own)? else { return Ok(None) };
            rows.iter_mut().zip(made).for_each(|(row, value)| row.push(value));
        }
        let stacked = rows.iter().map(|parts| self.stacked(parts, 0)).collect::<Result<_, _>>()?;
        Ok(Some(tensors(stacked)))
    }

    /// Reads the attributes; axes are those of one batch element where the inputs have `batch_axes` before.
    fn read_scan<'n>(&self, node: &'n NodeProto, given: &[ValueId], batch_axes: usize) -> Result<Scan<'n>, Reason> {
        let body = graph_attribute(node, "body")?;
        let scanned = node.attribute.iter().find(|a| a.name == "num_scan_inputs").map_or(0, |a| a.i);
        let scanned = usize::try_from(scanned).ok().filter(|&n| n > 0 && n <= given.len());
        let scanned = scanned.ok_or(Reason::MissingAttribute("num_scan_inputs"))?;
        let carried = given.len() - scanned;
        if body.input.len() != given.len() || body.output.len() < carried {
            return Err(Reason::Form("its body does not take and give what the scan carries"));
        }
        let results = body.output.len() - carried;
        let directions = if batch_axes == 0 { "scan_input_directions" } else { "directions" };
        let (in_axes, backwards) = (list(node, "scan_input_axes", scanned)?, list(node, directions, scanned)?);
        let out_axes = list(node, "scan_output_axes", results)?;
        let prepend = list(node, "scan_output_directions", results)?;
        let mut inputs = Vec::with_capacity(scanned);
        for ((&source, at), backwards) in given[carried..].iter().zip(in_axes).zip(backwards) {
            let rank = self.emit.rank(source).saturating_sub(batch_axes);
            inputs.push((axis(at, rank)?, backwards == 1));
        }
        let outputs = out_axes.into_iter().zip(prepend).map(|(at, prepend)| (at, prepend == 1)).collect();
        Ok(Scan { node, body, carried, inputs, outputs })
    }

    /// Runs the body over every slice: the state after the last, then the stacked results. `None` where a node of the body
    /// was refused.
    fn scan_over(&mut self, scan: &Scan<'_>, given: &[ValueId]) -> Result<Option<Vec<ValueId>>, Failure> {
        let (carried, sources) = given.split_at(scan.carried);
        let extent = |walk: &Self, i: usize| walk.emit.dims(sources[i])[scan.inputs[i].0];
        let rounds = extent(self, 0);
        if (1..sources.len()).any(|i| extent(self, i) != rounds) {
            return Err(Reason::Form("its scanned inputs differ in length").into());
        }
        if sources.iter().any(|&source| self.emit.is_padded(source)) {
            return Err(Reason::Padded.into());
        }
        let mut state: Vec<Item> = carried.iter().map(|&id| Item::Tensor(id)).collect();
        let mut stacks = vec![Vec::new(); scan.outputs.len()];
        for round in 0..rounds {
            self.emit.node = title(scan.node);
            let mut given = state.clone();
            for (&source, &(axis, backwards)) in sources.iter().zip(&scan.inputs) {
                let at = if backwards { rounds - 1 - round } else { round };
                let slice = self.emit.narrow(source, axis, at, 1)?;
                given.push(Item::Tensor(self.emit.drop_axes(slice, &[axis])?));
            }
            let Some(mut made) = self.round(scan.body, &given)? else { return Ok(None) };
            for (stack, value) in stacks.iter_mut().zip(made.split_off(scan.carried)) {
                stack.push(only_tensor(&value)?);
            }
            state = made;
        }
        self.emit.node = title(scan.node);
        let mut outputs = state.iter().map(only_tensor).collect::<Result<Vec<_>, _>>()?;
        if rounds == 0 {
            return self.scan_over_nothing(scan, sources, outputs);
        }
        for (mut stack, &(axis, prepend)) in stacks.into_iter().zip(&scan.outputs) {
            if prepend {
                stack.reverse();
            }
            outputs.push(self.stacked(&stack, axis)?);
        }
        Ok(Some(outputs))
    }

    /// No round runs; the body says what its results would be.
    fn scan_over_nothing(
        &mut self,
        scan: &Scan<'_>,
        sources: &[ValueId],
        mut outputs: Vec<ValueId>,
    ) -> Result<Option<Vec<ValueId>>, Failure> {
        let mut given: Vec<Item> = outputs.iter().map(|&id| Item::Tensor(id)).collect();
        for (&source, &(axis, _)) in sources.iter().zip(&scan.inputs) {
            let mut dims = self.emit.dims(source);
            dims.remove(axis);
            given.push(Item::Tensor(self.emit.filled(self.emit.dtype(source), dims, 0.0)?));
        }
        let Some(made) = self.round(scan.body, &given)? else { return Ok(None) };
        self.emit.node = title(scan.node);
        for (like, &(axis, _)) in made[scan.carried..].iter().zip(&scan.outputs) {
            outputs.push(self.empty_stack(like, axis)?);
        }
        Ok(Some(outputs))
    }
}

fn present(inputs: &[Option<Item>]) -> Result<Vec<ValueId>, Reason> {
    (0..inputs.len()).map(|i| tensor(inputs, i)?.ok_or(Reason::MissingInput(i))).collect()
}

fn tensors(made: Vec<ValueId>) -> Vec<Option<Item>> {
    made.into_iter().map(|id| Some(Item::Tensor(id))).collect()
}

/// An attribute of one number per scanned tensor, zeros by default.
fn list(node: &NodeProto, name: &'static str, count: usize) -> Result<Vec<i64>, Reason> {
    match node.attribute.iter().find(|a| a.name == name) {
        None => Ok(vec![0; count]),
        Some(a) if a.ints.len() == count => Ok(a.ints.clone()),
        Some(a) => Err(Reason::AttributeValue { name, got: format!("{:?}", a.ints) }),
    }
}
