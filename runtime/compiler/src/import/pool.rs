//! Pooling. Windows over three axes are pooled over two and then over one, which gives the same extremes and means.

use mote_abi::DType;
use mote_abi::op::{Binary, Pool, Reduce, Unary};

use super::emit::element;
use super::node::{Built, Cx};
use super::table::Entry;
use super::window::{Spatial, from_image, image_dims, positive, to_image};
use crate::error::Reason;
use crate::graph::{Op, ValueId, Volume};

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

fn max_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let columns_first = cx.flag("storage_order", false)?;
    let dtype = cx.dtype(x);
    match dtype {
        DType::F32 | DType::F64 | DType::I8 | DType::U8 => {}
        other => return Err(Reason::Type(other)),
    }
    if cx.wants(1) {
        return max_pool_with_positions(cx, x, columns_first);
    }
    // Bytes are exact in f32.
    let wide = if dtype.size() == 1 { cx.cast(x, DType::F32)? } else { x };
    let y = pool(cx, wide, Pool::Max)?;
    Ok(vec![cx.cast(y, dtype)?])
}

/// The positions say which elements the values are.
fn max_pool_with_positions(cx: &mut Cx<'_>, x: ValueId, columns_first: bool) -> Built {
    let (spatial, out) = windows(cx, x)?;
    let dims = cx.dims(x);
    let filled = |i: usize| {
        let inside = |o: usize, k: usize| {
            let at = o * spatial.stride[i] + k * spatial.dilation[i];
            (spatial.pad[i][0]..spatial.pad[i][0] + dims[i + 2]).contains(&at)
        };
        (0..out[i]).all(|o| (0..spatial.kernel[i]).any(|k| inside(o, k)))
    };
    if !(0..out.len()).all(filled) {
        return Err(Reason::Form("a window without an element has no largest one"));
    }
    let deep = volume(cx, x)?;
    let along = |values: &[usize], rest: usize| {
        let missing = 3 - values.len();
        std::array::from_fn(|i| i.checked_sub(missing).map_or(rest, |i| values[i]))
    };
    let pads: Vec<usize> = spatial.pad.iter().map(|pad| pad[0]).collect();
    let op = Op::ArgPool(Volume {
        kernel: along(&spatial.kernel, 1),
        stride: along(&spatial.stride, 1),
        dilation: along(&spatial.dilation, 1),
        pad: along(&pads, 0),
    });
    let made: [usize; 3] = along(&out, 1);
    let positions = cx.emit(op, &[Some(deep)], DType::I64, [&dims[..2], &made].concat())?;
    let positions = cx.reshape(positions, [&dims[..2], &out].concat())?;
    let flat = cx.reshape(x, vec![dims.iter().product()])?;
    let y = cx.gather(flat, positions, 0)?;
    let positions = if columns_first { by_columns(cx, positions, &dims[2..])? } else { positions };
    Ok(vec![y, positions])
}

/// `[N, C, ..]` with one to three spatial axes as three.
fn volume(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let missing = vec![1; 5 - dims.len()];
    cx.reshape(x, [&dims[..2], &missing, &dims[2..]].concat())
}

/// Row-major positions counted with the first spatial axis running fastest, channels and images apart as before.
fn by_columns(cx: &mut Cx<'_>, positions: ValueId, extents: &[usize]) -> Result<ValueId, Reason> {
    let plane: usize = extents.iter().product();
    let mut rest = {
        let plane = cx.scalar_like(positions, plane as f64)?;
        cx.binary(Binary::Mod, positions, plane)?
    };
    let mut sum = cx.binary(Binary::Sub, positions, rest)?;
    for i in (0..extents.len()).rev() {
        let extent = cx.scalar_like(positions, extents[i] as f64)?;
        let step = cx.scalar_like(positions, extents[..i].iter().product::<usize>() as f64)?;
        let index = cx.binary(Binary::Mod, rest, extent)?;
        rest = cx.binary(Binary::Div, rest, extent)?;
        let part = cx.binary(Binary::Mul, index, step)?;
        sum = cx.binary(Binary::Add, sum, part)?;
    }
    Ok(sum)
}

fn average_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let with_padding = cx.flag("count_include_pad", false)?;
    Ok(vec![pool(cx, x, if with_padding { Pool::AverageWithPadding } else { Pool::Average })?])
}

/// The p-th root of the sum of p-th powers, padding counted as zeros; the sum is the mean times the window's size.
fn lp_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let p = cx.int("p", 2)?;
    let (mut spatial, out) = windows(cx, x)?;
    let powers = raise(cx, x, p)?;
    let whole = surround(cx, powers, &spatial, &out)?;
    let count = spatial.taps();
    spatial.pad.fill([0, 0]);
    let mean = pool_windows(cx, whole, Pool::Average, &spatial, &out)?;
    let count = cx.scalar_like(mean, count as f64)?;
    let sum = cx.binary(Binary::Mul, mean, count)?;
    Ok(vec![root(cx, sum, p)?])
}

/// The input within as many zeros as all windows reach into, the last of a result rounded up included.
fn surround(cx: &mut Cx<'_>, x: ValueId, spatial: &Spatial, out: &[usize]) -> Result<ValueId, Reason> {
    let mut dims = cx.dims(x);
    let mut before = vec![0; dims.len()];
    for (i, &out) in out.iter().enumerate() {
        before[i + 2] = spatial.pad[i][0];
        let (reached, kept) = ((out - 1) * spatial.stride[i] + spatial.reach(i), before[i + 2] + dims[i + 2]);
        dims[i + 2] = if reached > kept { reached } else { kept };
    }
    if dims == cx.dims(x) {
        return Ok(x);
    }
    let value = element(cx.dtype(x), 0.0);
    cx.emit_as(Op::Pad { before, value }, &[Some(x)], x, dims)
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

pub(super) fn pool(cx: &mut Cx<'_>, x: ValueId, op: Pool) -> Result<ValueId, Reason> {
    let (spatial, out) = windows(cx, x)?;
    pool_windows(cx, x, op, &spatial, &out)
}

/// The windows over an input and how many there are along each axis.
fn windows(cx: &Cx<'_>, x: ValueId) -> Result<(Spatial, Vec<usize>), Reason> {
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
    Ok((spatial, out))
}

fn pool_windows(cx: &mut Cx<'_>, x: ValueId, op: Pool, spatial: &Spatial, out: &[usize]) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    if dims.len() < 5 {
        return pool_image(cx, x, op, spatial, out);
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

fn pool_image(cx: &mut Cx<'_>, x: ValueId, op: Pool, spatial: &Spatial, out: &[usize]) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let image = to_image(cx, x)?;
    let made = image_dims(dims[0], out, dims[1]);
    let y = cx.emit_as(Op::Pool { window: spatial.window(), op }, &[Some(image)], x, made)?;
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
    let x = cx.float_input(0)?;
    let op = if cx.op() == "GlobalMaxPool" { Reduce::Max } else { Reduce::Mean };
    Ok(vec![over_space(cx, x, op)?])
}

fn global_lp_pool(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
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
