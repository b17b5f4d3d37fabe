//! Images at computed places.

use tract_onnx::pb::AttributeProto;

use super::onnx_build::{FLOAT, f32s, float, graph, i64s, int, ints, model, node, text, untyped, value};
use super::{f32_tensor, floats, numbers, run};
use crate::tensor::HostTensor;

fn input(name: &str, dims: &[usize]) -> tract_onnx::pb::ValueInfoProto {
    let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
    value(name, FLOAT, &dims.iter().map(|d| &**d).collect::<Vec<_>>())
}

/// One operator over computed inputs `x` and `p`.
fn over(
    op: &str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    x: (&[usize], &[f32]),
    p: (&[usize], &[f32]),
    constants: Vec<tract_onnx::pb::TensorProto>,
) -> Result<HostTensor, crate::compile::CompileError> {
    let node = node(op, inputs, &["y"], attributes);
    let bytes = model(20, graph(vec![node], vec![input("x", x.0), input("p", p.0)], vec![untyped("y")], constants));
    Ok(run(&bytes, &[f32_tensor("x", x.0, x.1), f32_tensor("p", p.0, p.1)])?.remove(0))
}

fn near(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-4, "{got} is not {want}");
    }
}

#[test]
fn an_affine_grid_of_the_identity_samples_the_image_itself() {
    for corners in [0, 1] {
        let align = || int("align_corners", corners);
        let grid = node("AffineGrid", &["p", "size"], &["grid"], vec![align()]);
        let sample = node("GridSample", &["x", "grid"], &["y"], vec![align(), text("mode", "linear")]);
        for (x, theta) in [
            (&[1, 2, 3, 4][..], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0][..]),
            (&[1, 2, 2, 3, 4], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        ] {
            let (data, rank) = (numbers(x.iter().product(), 3), x.len() - 2);
            let size: Vec<i64> = x.iter().map(|&n| n as i64).collect();
            let theta_dims = [1, rank, rank + 1];
            let g = graph(
                vec![grid.clone(), sample.clone()],
                vec![input("x", x), input("p", &theta_dims)],
                vec![untyped("y")],
                vec![i64s("size", &[size.len() as i64], &size)],
            );
            let tensors = [f32_tensor("x", x, &data), f32_tensor("p", &theta_dims, theta)];
            let y = run(&model(20, g), &tensors).unwrap();
            assert_eq!(y[0].dims, x);
            near(&floats(&y[0]), &data);
        }
    }
}

#[test]
fn points_name_the_last_axis_first() {
    // Values are 100 z + 10 y + x.
    let x: Vec<f32> =
        (0..2).flat_map(|z| (0..3).flat_map(move |y| (0..4).map(move |x| (100 * z + 10 * y + x) as f32))).collect();
    let attributes = vec![int("align_corners", 1), text("mode", "nearest")];
    let points = [1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 1.0];
    let y = over("GridSample", &["x", "p"], attributes, (&[1, 1, 2, 3, 4], &x), (&[1, 1, 1, 3, 3], &points), vec![]);
    assert_eq!(floats(&y.unwrap()), [3.0, 20.0, 100.0]);
}

#[test]
fn regions_are_aligned() {
    let x: Vec<f32> = (0..16).map(|v| v as f32).collect();
    let attributes = |mode: &str| {
        vec![
            text("mode", mode),
            int("output_height", 2),
            int("output_width", 2),
            int("sampling_ratio", 2),
            float("spatial_scale", 1.0),
        ]
    };
    let regions = (&[1, 4][..], &[0.0, 0.0, 4.0, 4.0][..]);
    let image = || vec![i64s("image", &[1], &[0])];
    let align = |mode: &str| {
        over("RoiAlign", &["x", "p", "image"], attributes(mode), (&[1, 1, 4, 4], &x), regions, image()).unwrap()
    };
    near(&floats(&align("avg")), &[2.5, 4.5, 10.5, 12.5]);
    assert_eq!(align("max").dims, [1, 1, 2, 2]);
    let many = vec![int("sampling_ratio", 65)];
    assert!(over("RoiAlign", &["x", "p", "image"], many, (&[1, 1, 4, 4], &x), regions, image()).is_err());
    let cells = vec![ints("pooled_shape", &[2, 1]), float("spatial_scale", 0.5)];
    let boxes = (&[1, 5][..], &[0.0, 0.0, 2.0, 4.0, 6.0][..]);
    let pooled = over("MaxRoiPool", &["x", "p"], cells, (&[1, 1, 4, 4], &x), boxes, vec![]).unwrap();
    assert_eq!(floats(&pooled), [10.0, 14.0]);
}

/// A deformable convolution without offsets is a convolution; offsets of whole pixels move what is seen.
#[test]
fn deformed_convolutions_follow_their_offsets() {
    let (x_dims, w_dims) = ([2, 4, 5, 5], [4_i64, 2, 2, 3]);
    let (x, w) = (numbers(200, 1), numbers(48, 2));
    let attributes = || vec![ints("strides", &[1, 2]), ints("pads", &[1, 0, 0, 1]), int("group", 2)];
    let weights = || f32s("w", &w_dims, &w);
    let plain = |x: &[f32]| {
        let bytes = model(
            20,
            graph(
                vec![node("Conv", &["x", "w"], &["y"], attributes())],
                vec![input("x", &x_dims)],
                vec![untyped("y")],
                vec![weights()],
            ),
        );
        floats(&run(&bytes, &[f32_tensor("x", &x_dims, x)]).unwrap()[0])
    };
    // Two offset groups, six taps, row and column of each.
    let offset_dims = [2, 24, 5, 2];
    let deformed = |row: f32, scale: f32| {
        let offsets: Vec<f32> = (0..480).map(|i| if i / 10 % 2 == 0 { row } else { 0.0 }).collect();
        let attributes = [attributes(), vec![int("offset_group", 2)]].concat();
        let mask = f32s("mask", &[2, 12, 5, 2], &[scale; 240]);
        let zero = f32s("bias", &[4], &[0.0; 4]);
        let inputs = ["x", "w", "p", "bias", "mask"];
        let constants = vec![weights(), mask, zero];
        floats(&over("DeformConv", &inputs, attributes, (&x_dims, &x), (&offset_dims, &offsets), constants).unwrap())
    };
    let want = plain(&x);
    near(&deformed(0.0, 1.0), &want);
    near(&deformed(0.0, 0.5), &want.iter().map(|v| v / 2.0).collect::<Vec<_>>());
    // Looking one row further down is looking at an image moved up.
    let moved: Vec<f32> = (0..200).map(|i| if i / 5 % 5 == 4 { 0.0 } else { x[i + 5] }).collect();
    let (got, moved) = (deformed(1.0, 1.0), plain(&moved));
    let inner = |all: &[f32]| all.chunks(10).flat_map(|plane| plane[2..].to_vec()).collect::<Vec<f32>>();
    near(&inner(&got), &inner(&moved));
}

/// Resampled in other types: doubles as such, bytes truncated.
#[test]
fn pictures_of_other_types_are_resampled() {
    let x = [0.0, 10.0, 20.0, 40.0];
    for (to, mode, want) in [
        (11, "linear", [0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 40.0]),
        (2, "linear", [0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 40.0]),
        (11, "cubic", [0.0, 4.0625, 10.0, 14.0625, 20.0, 30.9375, 40.0, 41.875]),
        (2, "cubic", [0.0, 4.0, 10.0, 14.0, 20.0, 30.0, 40.0, 41.0]),
        (7, "nearest", [0.0, 0.0, 10.0, 10.0, 20.0, 20.0, 40.0, 40.0]),
    ] {
        let attributes = vec![
            text("mode", mode),
            text("coordinate_transformation_mode", "asymmetric"),
            text("nearest_mode", "floor"),
        ];
        let nodes = vec![
            node("Cast", &["x"], &["typed"], vec![int("to", to)]),
            node("Resize", &["typed", "", "scales"], &["large"], attributes),
            node("Cast", &["large"], &["y"], vec![int("to", 1)]),
        ];
        let scales = f32s("scales", &[3], &[1.0, 1.0, 2.0]);
        let bytes = model(13, graph(nodes, vec![input("x", &[1, 1, 4])], vec![untyped("y")], vec![scales]));
        near(&floats(&run(&bytes, &[f32_tensor("x", &[1, 1, 4], &x)]).unwrap()[0]), &want);
    }
}
