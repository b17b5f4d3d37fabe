//! Transposed convolutions.

use mote_abi::DType;

use super::conv::{Operands, add_bias, check_taps};
use super::node::{Built, Cx};
use super::table::Entry;
use super::window::{Spatial, explicit_pads, from_image, halves, image_dims, positive, to_image};
use super::{overlap, volume};
use crate::error::Reason;
use crate::graph::Op;

pub(super) const OPS: &[Entry] = &[Entry::onnx(
    "ConvTranspose",
    1,
    &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"],
    conv_transpose,
)];

fn conv_transpose(cx: &mut Cx<'_>) -> Built {
    let operands = Operands::read(cx)?;
    let Operands { x, w, dims, weights, groups, .. } = &operands;
    let channels = weights[1].saturating_mul(*groups);
    if dims[1] != weights[0] || !dims[1].is_multiple_of(*groups) {
        return Err(Reason::Shapes(dims.clone(), weights.clone()));
    }
    operands.check_bias(cx, channels)?;
    let (spatial, out) = spatial(cx, &dims[2..], weights[2..].to_vec())?;
    if !operands.has_steps(cx) {
        check_taps(&spatial)?;
        let columns = overlap::products(cx, *x, *w, *groups, &spatial)?;
        let y = overlap::add(cx, columns, &spatial, &out)?;
        return Ok(vec![add_bias(cx, y, operands.bias)?]);
    }
    let (bias, late) = operands.split_bias(cx);
    let y = if dims.len() == 5 {
        volume::conv_transpose(cx, (*x, *w, bias), &spatial, *groups, &out)?
    } else {
        let (image, w) = (to_image(cx, *x)?, to_image(cx, *w)?);
        let op = Op::ConvTranspose { window: spatial.window(), groups: *groups };
        let made = image_dims(dims[0], &out, channels);
        let y = cx.emit(op, &[Some(image), Some(w), bias], DType::F32, made)?;
        from_image(cx, y, dims.len())?
    };
    Ok(vec![add_bias(cx, y, late)?])
}

/// Window and extents of a transposed convolution: what the full result has beyond the wanted extents is cut off.
fn spatial(cx: &Cx<'_>, extents: &[usize], kernel: Vec<usize>) -> Result<(Spatial, Vec<usize>), Reason> {
    let rank = extents.len();
    let stride = positive(cx, "strides", rank)?.unwrap_or_else(|| vec![1; rank]);
    let dilation = positive(cx, "dilations", rank)?.unwrap_or_else(|| vec![1; rank]);
    let extra = match cx.optional_ints_attribute("output_padding")? {
        None => vec![[0, 0]; rank],
        Some(given) => explicit_pads(&[given, vec![0; rank]].concat(), rank)?,
    };
    let given = cx.optional_ints_attribute("pads")?;
    let wanted = positive(cx, "output_shape", rank)?;
    let auto = cx.text("auto_pad", "NOTSET")?;
    let mut spatial = Spatial { kernel, stride, dilation, pad: vec![[0, 0]; rank] };
    if let Some(given) = &given {
        spatial.pad = explicit_pads(given, rank)?;
    }
    let mut out = Vec::with_capacity(rank);
    for i in 0..rank {
        let full = spatial.stride[i] * (extents[i] - 1) + extra[i][0] + spatial.reach(i);
        let target = match (auto, &wanted) {
            (_, Some(wanted)) => Some(wanted[i]),
            ("SAME_UPPER" | "SAME_LOWER", None) => Some(extents[i] * spatial.stride[i]),
            ("NOTSET" | "VALID", None) => None,
            (got, None) => return Err(Reason::AttributeValue { name: "auto_pad", got: got.to_owned() }),
        };
        match target {
            Some(target) => {
                spatial.pad[i] = halves(full.saturating_sub(target), auto == "SAME_UPPER");
                out.push(target);
            }
            None => {
                let [before, after] = spatial.pad[i];
                let kept = full.checked_sub(before + after).filter(|&n| n > 0);
                out.push(kept.ok_or_else(|| Reason::Shape { what: "the input", got: extents.to_vec() })?);
            }
        }
    }
    Ok((spatial, out))
}
