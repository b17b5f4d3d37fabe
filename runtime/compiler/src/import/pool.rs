//! Pooling. Windows over three axes are pooled over two and then over one, which gives the same extremes and means.

use mote_abi::DType;
use mote_abi::op::{Binary, Pool, Reduce, Unary};

use super::conv::{Spatial, from_image, image_dims, positive, to_image};
use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx(
        "MaxPool",
        1,
        &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"],
        max_pool,
    ),
    Entry::onnx(
        "AveragePool",
        1,
        &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"],
        average_pool,
    ),
    Entry::onnx("LpPool", 2, &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"], lp_pool),
    Entry::onnx("GlobalAveragePool", 1, &[], global_pool),
    Entry::onnx("GlobalMaxPool", 1, &[], global_pool),
    Entry::onnx("GlobalLpPool", 2, &["p"], global_lp_pool),
];

/// `storage_order` concerns the indices alone, which are refused.
fn max_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    cx.flag("storage_order", false)?;
    let dtype = cx.dtype(x);
    match dtype {
        DType::F32 => Ok(vec![pool(cx, x, Pool::Max)?]),
        // Bytes are exact in f32.
        DType::I8 | DType::U8 => {
            let wide = cx.cast(x, DType::F32)?;
            let y = pool(cx, wide, Pool::Max)?;
            Ok(vec![cx.cast(y, dtype)?])
        }
        other => Err(Reason::Type(other)),
    }
}

fn average_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let with_padding = cx.flag("count_include_pad", false)?;
    Ok(vec![pool(cx, x, if with_padding { Pool::AverageWithPadding } else { Pool::Average })?])
}

/// The p-th root of the sum of p-th powers; the sum is the padded mean times the window's size.
fn lp_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let p = cx.int("p", 2)?;
    if cx.int("ceil_mode", 0)? != 0 {
        return Err(Reason::AttributeValue { name: "ceil_mode", got: "1".to_owned() });
    }
    let kernel =
        positive(cx, "kernel_shape", cx.rank(x).saturating_sub(2))?.ok_or(Reason::MissingAttribute("kernel_shape"))?;
    let powers = raise(cx, x, p)?;
    let mean = pool(cx, powers, Pool::AverageWithPadding)?;
    let count = cx.scalar_like(mean, kernel.iter().product::<usize>() as f64)?;
    let sum = cx.binary(Binary::Mul, mean, count)?;
    Ok(vec![root(cx, sum, p)?])
}

fn raise(cx: &mut Cx<'_>, x: ValueId, p: i64) -> Result<ValueId, Reason> {
    match p {
        1 => cx.unary(Unary::Abs, x),
        2 => cx.binary(Binary::Mul, x, x),
        3.. => {
            let x = cx.unary(Unary::Abs, x)?;
            let p = cx.scalar_like(x, p as f64)?;
            cx.binary(Binary::Pow, x, p)
        }
        _ => Err(Reason::AttributeValue { name: "p", got: p.to_string() }),
    }
}

fn root(cx: &mut Cx<'_>, x: ValueId, p: i64) -> Result<ValueId, Reason> {
    match p {
        1 => Ok(x),
        2 => cx.unary(Unary::Sqrt, x),
        _ => {
            let p = cx.scalar_like(x, 1.0 / p as f64)?;
            cx.binary(Binary::Pow, x, p)
        }
    }
}

fn pool(cx: &mut Cx<'_>, x: ValueId, op: Pool) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    if !(3..=5).contains(&dims.len()) || dims.contains(&0) {
        return Err(Reason::Shape { what: "the input", got: dims });
    }
    let rank = dims.len() - 2;
    let kernel = positive(cx, "kernel_shape", rank)?.ok_or(Reason::MissingAttribute("kernel_shape"))?;
    let spatial = Spatial::read(cx, &dims[2..], kernel)?;
    if (0..rank).any(|i| spatial.pad[i].iter().any(|&pad| pad >= spatial.reach(i))) {
        return Err(Reason::Form("its padding is not smaller than its window"));
    }
    let out = pooled(cx, &spatial, &dims[2..])?;
    if rank < 3 {
        return pool_image(cx, x, op, &spatial, &out);
    }
    let (n, c, d) = (dims[0], dims[1], dims[2]);
    let slices = cx.reshape(x, vec![n, c * d, dims[3], dims[4]])?;
    let flat = pool_image(cx, slices, op, &spatial.axes(&[1, 2]), &out[1..])?;
    let columns = cx.reshape(flat, vec![n, c, d, out[1] * out[2]])?;
    let mut deep = spatial.axes(&[0, 0]);
    (deep.kernel[1], deep.stride[1], deep.dilation[1], deep.pad[1]) = (1, 1, 1, [0, 0]);
    let y = pool_image(cx, columns, op, &deep, &[out[0], out[1] * out[2]])?;
    cx.reshape(y, vec![n, c, out[0], out[1], out[2]])
}

impl Spatial {
    fn axes(&self, axes: &[usize]) -> Self {
        Self {
            kernel: axes.iter().map(|&i| self.kernel[i]).collect(),
            stride: axes.iter().map(|&i| self.stride[i]).collect(),
            dilation: axes.iter().map(|&i| self.dilation[i]).collect(),
            pad: axes.iter().map(|&i| self.pad[i]).collect(),
        }
    }
}

fn pool_image(cx: &mut Cx<'_>, x: ValueId, op: Pool, spatial: &Spatial, out: &[usize]) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let image = to_image(cx, x)?;
    let made = image_dims(dims[0], out, dims[1]);
    let y = cx.emit(Op::Pool { window: spatial.window(), op }, &[Some(image)], DType::F32, made)?;
    from_image(cx, y, dims.len())
}

/// Extents of the result. Rounded up, a last window that would begin in the padding after the input is left out.
fn pooled(cx: &Cx<'_>, spatial: &Spatial, extents: &[usize]) -> Result<Vec<usize>, Reason> {
    let floor = spatial.out(extents)?;
    if !cx.flag("ceil_mode", false)? {
        return Ok(floor);
    }
    let ceil = |i: usize| {
        let [before, after] = spatial.pad[i];
        let room = extents[i] + before + after - spatial.reach(i);
        let out = room.div_ceil(spatial.stride[i]) + 1;
        if (out - 1) * spatial.stride[i] >= extents[i] + before { out - 1 } else { out }
    };
    Ok((0..extents.len()).map(ceil).collect())
}

fn global_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let op = if cx.op() == "GlobalMaxPool" { Reduce::Max } else { Reduce::Mean };
    Ok(vec![over_space(cx, x, op)?])
}

fn global_lp_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let p = cx.int("p", 2)?;
    let powers = raise(cx, x, p)?;
    let sum = over_space(cx, powers, Reduce::Sum)?;
    Ok(vec![root(cx, sum, p)?])
}

/// Reduces every axis after the channels, with the channels last.
fn over_space(cx: &mut Cx<'_>, x: ValueId, op: Reduce) -> Result<ValueId, Reason> {
    let rank = cx.rank(x);
    if rank < 3 {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let y = cx.channels_last(x)?;
    let axes: Vec<usize> = (1..rank - 1).collect();
    let y = cx.reduce(op, y, &axes, true)?;
    cx.channels_first(y)
}
