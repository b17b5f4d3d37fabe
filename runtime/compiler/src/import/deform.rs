//! Deformable convolution (Zhu et al. 2019, arXiv:1811.11168): what each tap sees is sampled where its offset points, and
//! a convolution of one pixel joins the taps.

use mote_abi::DType;
use mote_abi::op::{Binary, Coordinates, Filter, Outside};

use super::conv::add_bias;
use super::grid::sample;
use super::node::{Built, Cx};
use super::table::Entry;
use super::window::{Spatial, positive};
use crate::error::Reason;
use crate::graph::{Clamp, Op, ValueId, Window};

pub(super) const OPS: &[Entry] = &[Entry::onnx(
    "DeformConv",
    19,
    &["dilations", "group", "kernel_shape", "offset_group", "pads", "strides"],
    deform_conv,
)];

/// What the operands say of each other.
struct Deformed {
    spatial: Spatial,
    out: Vec<usize>,
    /// Images and channels.
    lead: [usize; 2],
    groups: usize,
    offset_groups: usize,
}

impl Deformed {
    fn places(&self) -> usize {
        self.out.iter().product()
    }

    fn read(cx: &Cx<'_>, dims: &[usize], weights: &[usize]) -> Result<Self, Reason> {
        let rank = dims.len().saturating_sub(2);
        if !(1..=3).contains(&rank) || weights.len() != dims.len() || dims.contains(&0) || weights.contains(&0) {
            return Err(Reason::Shapes(dims.to_vec(), weights.to_vec()));
        }
        if positive(cx, "kernel_shape", rank)?.is_some_and(|kernel| kernel != weights[2..]) {
            return Err(Reason::AttributeValue { name: "kernel_shape", got: format!("{weights:?}") });
        }
        let count = |name: &'static str| {
            let got = cx.int(name, 1)?;
            let divides = |n: &usize| *n > 0 && dims[1].is_multiple_of(*n);
            usize::try_from(got).ok().filter(divides).ok_or(Reason::AttributeValue { name, got: got.to_string() })
        };
        let (groups, offset_groups) = (count("group")?, count("offset_group")?);
        if weights[1].saturating_mul(groups) != dims[1] || !weights[0].is_multiple_of(groups) {
            return Err(Reason::Shapes(dims.to_vec(), weights.to_vec()));
        }
        let spatial = Spatial::read(cx, &dims[2..], weights[2..].to_vec())?;
        let out = spatial.out(&dims[2..])?;
        Ok(Self { spatial, out, lead: [dims[0], dims[1]], groups, offset_groups })
    }

    /// Where the taps of each output lie without offsets, `[P, taps, axes]`, the last axis first.
    fn resting(&self) -> Vec<f32> {
        let rank = self.out.len();
        let mut resting = Vec::new();
        for place in 0..self.places() {
            let mut rest = place;
            let mut at = vec![0; rank];
            for i in (0..rank).rev() {
                at[i] = rest % self.out[i] * self.spatial.stride[i];
                rest /= self.out[i];
            }
            for tap in 0..self.spatial.taps() {
                let offset = self.spatial.offset(tap);
                let along = |i: usize| (at[i] + offset[i]) as f32 - self.spatial.pad[i][0] as f32;
                resting.extend((0..rank).rev().map(along));
            }
        }
        resting
    }
}

fn deform_conv(cx: &mut Cx<'_>) -> Built {
    let (x, w, offset) = (cx.f32_input(0)?, cx.f32_constant(1)?, cx.f32_input(2)?);
    let bias = cx.optional(3).map(|_| cx.f32_input(3)).transpose()?;
    let mask = cx.optional(4).map(|_| cx.f32_input(4)).transpose()?;
    let (dims, weights) = (cx.dims(x), cx.dims(w));
    let deformed = Deformed::read(cx, &dims, &weights)?;
    if let Some(bias) = bias.map(|id| cx.dims(id)).filter(|dims| *dims != [weights[0]]) {
        return Err(Reason::Shape { what: "the bias", got: bias });
    }
    let points = points(cx, offset, &deformed)?;
    let mut seen = taps(cx, x, points, &deformed)?;
    if let Some(mask) = mask {
        let mask = per_tap(cx, mask, 1, &deformed)?;
        seen = cx.binary(Binary::Mul, seen, mask)?;
    }
    let y = join(cx, seen, w, &deformed)?;
    Ok(vec![add_bias(cx, y, bias)?])
}

/// `[N, offset groups * taps * values, out..]` as `[N * offset groups, P, taps, values]`.
fn per_tap(cx: &mut Cx<'_>, x: ValueId, values: usize, deformed: &Deformed) -> Result<ValueId, Reason> {
    let (n, taps, places) = (deformed.lead[0], deformed.spatial.taps(), deformed.places());
    let wanted = [&[n, deformed.offset_groups * taps * values], &deformed.out[..]].concat();
    if cx.dims(x) != wanted {
        return Err(Reason::Shapes(cx.dims(x), wanted));
    }
    let x = cx.reshape(x, vec![n * deformed.offset_groups, taps, values, places])?;
    cx.transpose(x, &[0, 3, 1, 2])
}

/// Where every tap looks, in pixels: `[N * offset groups, P * taps, axes]`, the last axis first.
fn points(cx: &mut Cx<'_>, offset: ValueId, deformed: &Deformed) -> Result<ValueId, Reason> {
    let (rank, taps, places) = (deformed.out.len(), deformed.spatial.taps(), deformed.places());
    let offset = per_tap(cx, offset, rank, deformed)?;
    let images = deformed.lead[0] * deformed.offset_groups;
    let offset = if rank == 1 {
        offset
    } else {
        cx.slice(offset, vec![0, 0, 0, rank - 1], vec![1, 1, 1, -1], vec![images, places, taps, rank])?
    };
    cx.room_for(DType::F32, &[places, taps, rank])?;
    let resting = cx.f32s(vec![places, taps, rank], &deformed.resting())?;
    let points = cx.binary(Binary::Add, offset, resting)?;
    cx.reshape(points, vec![images, places * taps, rank])
}

/// What every tap sees: `[N * offset groups, P, taps, channels of an offset group]`.
fn taps(cx: &mut Cx<'_>, x: ValueId, points: ValueId, deformed: &Deformed) -> Result<ValueId, Reason> {
    let ([n, c], groups) = (deformed.lead, deformed.offset_groups);
    let split = [&[n * groups, c / groups], &cx.dims(x)[2..]].concat();
    let x = cx.reshape(x, split)?;
    let image = cx.channels_last(x)?;
    let op = Op::GridSample { filter: Filter::Linear, outside: Outside::Zero, coordinates: Coordinates::Pixels };
    let seen = sample(cx, image, points, op)?;
    cx.reshape(seen, vec![n * groups, deformed.places(), deformed.spatial.taps(), c / groups])
}

/// The product with the weights, group by group: `[N, outputs, out..]`.
fn join(cx: &mut Cx<'_>, seen: ValueId, w: ValueId, deformed: &Deformed) -> Result<ValueId, Reason> {
    let ([n, c], groups, taps, places) = (deformed.lead, deformed.groups, deformed.spatial.taps(), deformed.places());
    let outputs = cx.dims(w)[0];
    let seen = cx.reshape(seen, vec![n, deformed.offset_groups, places, taps, c / deformed.offset_groups])?;
    let seen = cx.transpose(seen, &[0, 2, 3, 1, 4])?;
    let seen = cx.reshape(seen, vec![n, places, taps, groups, c / groups])?;
    let seen = cx.transpose(seen, &[0, 1, 3, 2, 4])?;
    let seen = cx.reshape(seen, vec![n, 1, places, taps * c])?;
    let w = cx.reshape(w, vec![outputs, c / groups, taps])?;
    let w = cx.transpose(w, &[0, 2, 1])?;
    let w = cx.reshape(w, vec![outputs, 1, 1, taps * (c / groups)])?;
    let op = Op::Conv { window: Window::UNIT, groups, clamp: Clamp::NONE };
    let y = cx.emit(op, &[Some(seen), Some(w), None], DType::F32, vec![n, 1, places, outputs])?;
    let y = cx.reshape(y, [&[n], &deformed.out[..], &[outputs]].concat())?;
    cx.channels_first(y)
}
