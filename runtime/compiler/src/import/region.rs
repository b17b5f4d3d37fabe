//! Regions of images that are pooled to one size.

use mote_abi::DType;

use super::node::{Built, Cx};
use super::table::Entry;
use super::window::positive;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("MaxRoiPool", 1, &["pooled_shape", "spatial_scale"], max_roi_pool),
    Entry::onnx(
        "RoiAlign",
        10,
        &["mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"],
        roi_align,
    ),
    Entry::onnx(
        "RoiAlign",
        16,
        &["coordinate_transformation_mode", "mode", "output_height", "output_width", "sampling_ratio", "spatial_scale"],
        roi_align,
    ),
];

/// Most samples of a cell along an axis, as the kernel takes them.
const MAX_SAMPLES: i64 = 64;
/// Largest extent of an image or of a pooled region.
const MAX_EXTENT: usize = 1 << 24;

fn roi_align(cx: &mut Cx<'_>) -> Built {
    let (x, regions, images) = (cx.f32_input(0)?, cx.f32_input(1)?, cx.input(2)?);
    if !matches!(cx.dtype(images), DType::I32 | DType::I64) {
        return Err(Reason::Type(cx.dtype(images)));
    }
    let half_pixel = match cx.text("coordinate_transformation_mode", "half_pixel")? {
        // Before operator set 16 there was one mode and no name for it.
        "half_pixel" => cx.opset >= 16,
        "output_half_pixel" => false,
        got => return Err(Reason::AttributeValue { name: "coordinate_transformation_mode", got: got.to_owned() }),
    };
    let max = match cx.text("mode", "avg")? {
        "avg" => false,
        "max" => true,
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    };
    let samples = cx.int("sampling_ratio", 0)?;
    if !(0..=MAX_SAMPLES).contains(&samples) {
        return Err(Reason::AttributeValue { name: "sampling_ratio", got: samples.to_string() });
    }
    let scale = scale(cx)?;
    let cells = [cell(cx, "output_height")?, cell(cx, "output_width")?];
    let count = cx.dims(images);
    let [count] = count[..] else { return Err(Reason::Shape { what: "the list of images", got: count }) };
    let images = cx.cast(images, DType::I64)?;
    let op = Op::RoiAlign { max, half_pixel, samples: samples as u32, scale };
    pooled(cx, x, regions, &[images], op, cells, [count, 4])
}

fn max_roi_pool(cx: &mut Cx<'_>) -> Built {
    let (x, regions) = (cx.f32_input(0)?, cx.f32_input(1)?);
    let cells = positive(cx, "pooled_shape", 2)?.ok_or(Reason::MissingAttribute("pooled_shape"))?;
    let scale = scale(cx)?;
    let count = cx.dims(regions).first().copied().unwrap_or(0);
    pooled(cx, x, regions, &[], Op::MaxRoiPool { scale }, [cells[0], cells[1]], [count, 5])
}

fn scale(cx: &Cx<'_>) -> Result<f32, Reason> {
    let scale = cx.float("spatial_scale", 1.0)?;
    if scale.is_finite() && scale > 0.0 {
        return Ok(scale);
    }
    Err(Reason::AttributeValue { name: "spatial_scale", got: scale.to_string() })
}

fn cell(cx: &Cx<'_>, name: &'static str) -> Result<usize, Reason> {
    let got = cx.int(name, 1)?;
    let usable = usize::try_from(got).ok().filter(|n| (1..MAX_EXTENT).contains(n));
    usable.ok_or(Reason::AttributeValue { name, got: got.to_string() })
}

fn pooled(
    cx: &mut Cx<'_>,
    x: ValueId,
    regions: ValueId,
    images: &[ValueId],
    op: Op,
    [rows, columns]: [usize; 2],
    list: [usize; 2],
) -> Built {
    let (dims, regions_dims) = (cx.dims(x), cx.dims(regions));
    let fits = dims.len() == 4 && !dims.contains(&0) && dims[2..].iter().all(|&n| n < MAX_EXTENT);
    if !fits || regions_dims != list {
        return Err(Reason::Shapes(dims, regions_dims));
    }
    let image = cx.channels_last(x)?;
    let inputs: Vec<_> = [image, regions].iter().chain(images).copied().map(Some).collect();
    let y = cx.emit(op, &inputs, DType::F32, vec![list[0], rows, columns, dims[1]])?;
    Ok(vec![cx.channels_first(y)?])
}
