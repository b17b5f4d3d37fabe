//! A product with weights of 2 to 8 bits per number, which are widened to f32 while compiling:
//! `w = (q - zero point) * scale` per block of a column. What the exporter allows a runtime to round away
//! (`accuracy_level`) is not rounded here.

use mote_abi::DType;

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::node::{Built, Cx};
use crate::import::norm::apply;

/// Inputs: `x [.., K]`, weights u8 `[N, K / block up, bytes of a block]`, scales, zero points?, groups?, bias?.
pub(super) fn mat_mul(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let format = Format::read(cx)?;
    if cx.dims(x).last() != Some(&format.k) {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let weights = format.widened(cx)?;
    let weights = cx.f32s(vec![format.k, format.n], &weights)?;
    let y = cx.rows_times(x, weights, None)?;
    if cx.optional(5).is_none() {
        return Ok(vec![y]);
    }
    let bias = cx.f32_input(5)?;
    Ok(vec![apply(cx, mote_abi::op::Binary::Add, y, bias)?])
}

/// How the weights are packed.
struct Format {
    k: usize,
    n: usize,
    bits: usize,
    block: usize,
}

impl Format {
    fn read(cx: &Cx<'_>) -> Result<Self, Reason> {
        let size = |name: &'static str| {
            let got = cx.optional_int(name)?.ok_or(Reason::MissingAttribute(name))?;
            let size = usize::try_from(got).ok().filter(|&size| size > 0);
            size.ok_or(Reason::AttributeValue { name, got: got.to_string() })
        };
        cx.ignore("accuracy_level");
        let bits = match cx.int("bits", 4)? {
            bits @ (2 | 4 | 8) => bits as usize,
            got => return Err(Reason::AttributeValue { name: "bits", got: got.to_string() }),
        };
        Ok(Self { k: size("K")?, n: size("N")?, bits, block: size("block_size")? })
    }

    /// The weights as `[K, N]`.
    fn widened(&self, cx: &Cx<'_>) -> Result<Vec<f32>, Reason> {
        let Self { k, n, bits, block } = *self;
        let blocks = k.div_ceil(block);
        let bytes = (block * bits).div_ceil(8);
        cx.room_for(DType::F32, &[k, n])?;
        let packed = bytes_of(cx, 1, n * blocks * bytes)?;
        let scales = cx.f32_constant(2)?;
        let scales = self.of_size(cx, scales, n * blocks)?;
        let zeros = self.zero_points(cx, n, blocks)?;
        if cx.optional(4).is_some() {
            return Err(Reason::Input(4));
        }
        let mut weights = vec![0.0; k * n];
        for column in 0..n {
            for i in 0..k {
                let at = column * blocks + i / block;
                let q = unpacked(&packed[at * bytes..], bits, i % block);
                weights[i * n + column] = (f32::from(q) - zeros[at]) * scales[at];
            }
        }
        Ok(weights)
    }

    /// One per block: stated as f32, packed in bytes like the weights, or the middle of the range.
    fn zero_points(&self, cx: &Cx<'_>, n: usize, blocks: usize) -> Result<Vec<f32>, Reason> {
        let Some(id) = cx.optional(3) else { return Ok(vec![f32::from(1_u8 << (self.bits - 1)); n * blocks]) };
        if cx.dtype(id) == DType::F32 {
            let id = cx.f32_constant(3)?;
            return self.of_size(cx, id, n * blocks);
        }
        let row = (blocks * self.bits).div_ceil(8);
        let packed = bytes_of(cx, 3, n * row)?;
        let point = |at: usize| f32::from(unpacked(&packed[at / blocks * row..], self.bits, at % blocks));
        Ok((0..n * blocks).map(point).collect())
    }

    fn of_size(&self, cx: &Cx<'_>, id: ValueId, count: usize) -> Result<Vec<f32>, Reason> {
        let values = cx.floats(id).filter(|values| values.len() == count);
        let values = values.ok_or_else(|| Reason::Shape { what: "the scales or zero points", got: cx.dims(id) })?;
        Ok(values.into_iter().map(|value| value as f32).collect())
    }
}

/// The bytes of a constant u8 input of so many elements.
fn bytes_of(cx: &Cx<'_>, i: usize, count: usize) -> Result<Vec<u8>, Reason> {
    let id = cx.input(i)?;
    if cx.dtype(id) != DType::U8 {
        return Err(Reason::Type(cx.dtype(id)));
    }
    let data = cx.graph.value(id).data.as_deref().ok_or(Reason::NotConstant(i))?;
    if data.len() == count {
        Ok(data.to_vec())
    } else {
        Err(Reason::Shape { what: "packed weights", got: cx.dims(id) })
    }
}

/// The i-th number of so many bits, the lowest bits of a byte first.
fn unpacked(bytes: &[u8], bits: usize, i: usize) -> u8 {
    let mask = u8::MAX >> (8 - bits);
    bytes[i * bits / 8] >> (i * bits % 8) & mask
}
