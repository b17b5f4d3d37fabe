//! Operators whose number of results depends on data: computed at once where their inputs are constant, else up to a bound
//! that the caller gives, and padded with zeros (`padding.rs`).

use mote_abi::DType;

use super::node::{Built, Cx, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, Suppression, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("NonZero", 9, &[], non_zero),
    Entry::onnx("Compress", 9, &["axis"], compress),
    Entry::onnx("Unique", 11, &["axis", "sorted"], unique),
    Entry::onnx("NonMaxSuppression", 10, &["center_point_box"], non_max_suppression),
];

/// How many results there are.
enum Count {
    /// Exactly so many.
    Known(usize),
    /// So many at most; their number is computed.
    Computed(usize),
}

impl Cx<'_> {
    /// How many results to make room for: where the operands are constant, as many as there can be.
    fn room(&mut self, operands: &[ValueId], most: usize) -> Result<Count, Reason> {
        if operands.iter().all(|&id| self.is_constant(id)) {
            return Ok(Count::Known(most));
        }
        let bound = self.bound().ok_or(Reason::Unbounded)?;
        Ok(Count::Computed(if bound < most { bound } else { most }))
    }

    /// Cuts a result to its known count, or remembers where its padding begins.
    fn settle(&mut self, made: ValueId, along: usize, count: ValueId, room: &Count) -> Result<ValueId, Reason> {
        match room {
            Count::Known(_) => {
                let count = self.ints(count).and_then(|count| usize::try_from(*count.first()?).ok());
                self.narrow_or_empty(made, along, count.ok_or(Reason::NotConstant(0))?)
            }
            Count::Computed(_) => {
                self.pad_from(made, along, count);
                Ok(made)
            }
        }
    }

    fn narrow_or_empty(&mut self, x: ValueId, along: usize, len: usize) -> Result<ValueId, Reason> {
        if len > 0 {
            return self.narrow(x, along, 0, len);
        }
        let (dtype, mut dims) = (self.dtype(x), self.dims(x));
        dims[along] = 0;
        self.filled(dtype, dims, 0.0)
    }

    /// A count that ends the run where it exceeds the room.
    fn bounded(&mut self, count: ValueId, room: &Count) -> Result<ValueId, Reason> {
        match room {
            Count::Known(_) => Ok(count),
            Count::Computed(most) => self.emit(Op::Bound { limit: *most }, &[Some(count)], DType::I64, vec![]),
        }
    }

    /// Positions of the elements that are not zero, `[rank, count]`, and the settled count.
    fn non_zeros(&mut self, x: ValueId) -> Result<(ValueId, ValueId, Count), Reason> {
        let most = self.graph.value(x).count();
        let room = self.room(&[x], most)?;
        let (Count::Known(len) | Count::Computed(len)) = room;
        let outputs = vec![(DType::I64, vec![self.rank(x), len]), (DType::I64, vec![])];
        let made = self.emit_all(Op::NonZero, &[Some(x)], outputs)?;
        let count = self.bounded(made[1], &room)?;
        Ok((made[0], count, room))
    }
}

fn non_zero(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (made, count, room) = cx.non_zeros(x)?;
    Ok(vec![cx.settle(made, 1, count, &room)?])
}

fn compress(cx: &mut Cx<'_>) -> Built {
    let (x, condition) = (cx.input(0)?, cx.input(1)?);
    let (x, axis) = match cx.optional_int("axis")? {
        Some(given) => (x, axis(given, cx.rank(x))?),
        None => {
            let count = cx.graph.value(x).count();
            (cx.reshape(x, vec![count])?, 0)
        }
    };
    let (extent, chosen) = (cx.dims(x)[axis], cx.dims(condition));
    if chosen.len() != 1 || chosen[0] > extent {
        return Err(Reason::Shape { what: "the condition", got: chosen });
    }
    let (positions, count, room) = cx.non_zeros(condition)?;
    let positions = cx.settle(positions, 1, count, &room)?;
    let len = cx.dims(positions)[1];
    let positions = cx.reshape(positions, vec![len])?;
    let made = cx.gather(x, positions, axis)?;
    if let Count::Computed(_) = room {
        cx.pad_from(made, axis, count);
    }
    Ok(vec![made])
}

/// Outputs: the values, where each was first, which value each input element has, how often each value occurs.
fn unique(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let sorted = cx.flag("sorted", true)?;
    let (x, axis) = match cx.optional_int("axis")? {
        Some(given) => (x, axis(given, cx.rank(x))?),
        None => {
            let count = cx.graph.value(x).count();
            (cx.reshape(x, vec![count])?, 0)
        }
    };
    let most = cx.dims(x)[axis];
    // One element is one value.
    let room = if most <= 1 { Count::Known(most) } else { cx.room(&[x], most)? };
    let (Count::Known(len) | Count::Computed(len)) = room;
    let list = |len: usize| (DType::I64, vec![len]);
    let outputs = vec![list(len), list(most), list(len), (DType::I64, vec![]), list(most)];
    let made = cx.emit_all(Op::Unique { axis, sorted }, &[Some(x)], outputs)?;
    let count = cx.bounded(made[3], &room)?;
    let whole = most <= 1;
    let settle = |cx: &mut Cx<'_>, id| if whole { Ok(id) } else { cx.settle(id, 0, count, &room) };
    let (first, counts) = (settle(cx, made[0])?, settle(cx, made[2])?);
    let values = cx.gather(x, first, axis)?;
    if let Count::Computed(_) = room {
        cx.pad_from(values, axis, count);
    }
    Ok(vec![values, first, made[1], counts])
}

/// Boxes and scores to `[count, 3]`: batch, class and box of what is kept.
fn non_max_suppression(cx: &mut Cx<'_>) -> Built {
    let (boxes, scores) = (cx.f32_input(0)?, cx.f32_input(1)?);
    let (box_dims, score_dims) = (cx.dims(boxes), cx.dims(scores));
    let (&[batch, spatial, 4], &[score_batch, classes, score_spatial]) = (box_dims.as_slice(), score_dims.as_slice())
    else {
        return Err(Reason::Shapes(box_dims, score_dims));
    };
    if batch != score_batch || spatial != score_spatial {
        return Err(Reason::Shapes(box_dims, score_dims));
    }
    let per_class = cx.optional_scalar(2)?.unwrap_or(0);
    let per_class = usize::try_from(per_class).unwrap_or(0);
    let per_class = if per_class < spatial { per_class } else { spatial };
    let threshold = |cx: &mut Cx<'_>, i: usize| match cx.optional_floats(i)?.as_deref() {
        None => Ok(None),
        Some([value]) => Ok(Some(*value as f32)),
        Some(_) => Err(Reason::Shape { what: "a threshold", got: cx.dims(cx.input(i)?) }),
    };
    let (iou, score) = (threshold(cx, 3)?.unwrap_or(0.0), threshold(cx, 4)?);
    if !(0.0..=1.0).contains(&iou) || score.is_some_and(f32::is_nan) {
        return Err(Reason::Form("a threshold is not a number or outside [0, 1]"));
    }
    let settings = Suppression { per_class, iou, score, center: cx.flag("center_point_box", false)? };
    let most = batch.saturating_mul(classes).saturating_mul(per_class);
    let room = if most == 0 { Count::Known(0) } else { cx.room(&[boxes, scores], most)? };
    let (Count::Known(len) | Count::Computed(len)) = room;
    if len == 0 && most == 0 {
        return Ok(vec![cx.filled(DType::I64, vec![0, 3], 0.0)?]);
    }
    let outputs = vec![(DType::I64, vec![len, 3]), (DType::I64, vec![]), (DType::I64, vec![spatial])];
    let made = cx.emit_all(Op::NonMaxSuppression(settings), &[Some(boxes), Some(scores)], outputs)?;
    let count = cx.bounded(made[1], &room)?;
    Ok(vec![cx.settle(made[0], 0, count, &room)?])
}
