//! Convolutions and pools over any number of axes, against loops that follow the standard's formulas.

use tract_onnx::pb::AttributeProto;

use super::onnx_build::{FLOAT, INT64, f32s, graph, int, ints, model, node, text, untyped, value};
use super::{f32_tensor, floats, numbers, run};
use crate::tensor::HostTensor;

/// A window along each axis.
#[derive(Clone)]
struct Along {
    stride: Vec<usize>,
    dilation: Vec<usize>,
    before: Vec<usize>,
    after: Vec<usize>,
    groups: usize,
}

impl Along {
    fn attributes(&self) -> Vec<AttributeProto> {
        let all = |values: &[usize]| values.iter().map(|&v| v as i64).collect::<Vec<_>>();
        vec![
            ints("strides", &all(&self.stride)),
            ints("dilations", &all(&self.dilation)),
            ints("pads", &[all(&self.before), all(&self.after)].concat()),
            int("group", self.groups as i64),
        ]
    }

    /// Input coordinates that a tap of a window reads, where they lie inside.
    fn source(&self, window: &[usize], tap: &[usize], extents: &[usize]) -> Option<Vec<usize>> {
        (0..extents.len())
            .map(|i| {
                let at = (window[i] * self.stride[i] + tap[i] * self.dilation[i]).checked_sub(self.before[i])?;
                (at < extents[i]).then_some(at)
            })
            .collect()
    }
}

fn places(extents: &[usize]) -> Vec<Vec<usize>> {
    extents
        .iter()
        .fold(vec![vec![]], |all, &n| all.iter().flat_map(|at| (0..n).map(move |i| [&at[..], &[i]].concat())).collect())
}

fn flat(dims: &[usize], at: &[usize]) -> usize {
    dims.iter().zip(at).fold(0, |sum, (n, i)| sum * n + i)
}

/// Every output adds up what its taps see; transposed, every input is added to what its taps reach.
fn reference(x: (&[usize], &[f32]), w: (&[usize], &[f32]), along: &Along, out: &[usize], transposed: bool) -> Vec<f32> {
    let channels = if transposed { w.0[1] * along.groups } else { w.0[0] };
    let dims = [&[x.0[0], channels], out].concat();
    let mut y = vec![0.0_f32; dims.iter().product()];
    let windows = if transposed { &x.0[2..] } else { out };
    let image = if transposed { out } else { &x.0[2..] };
    for n in 0..x.0[0] {
        for (co, ci) in (0..channels).flat_map(|co| (0..x.0[1]).map(move |ci| (co, ci))) {
            let (inputs, outputs) = (x.0[1] / along.groups, channels / along.groups);
            if ci / inputs != co / outputs {
                continue;
            }
            for window in places(windows) {
                for tap in places(&w.0[2..]) {
                    let Some(inside) = along.source(&window, &tap, image) else { continue };
                    let (from, to) = if transposed { (window.clone(), inside) } else { (inside, window.clone()) };
                    let lead = if transposed { [ci, co % outputs] } else { [co, ci % inputs] };
                    let weight = w.1[flat(w.0, &[&lead[..], &tap].concat())];
                    y[flat(&dims, &[&[n, co][..], &to].concat())] +=
                        weight * x.1[flat(x.0, &[&[n, ci][..], &from].concat())];
                }
            }
        }
    }
    y
}

/// Runs with the weights known and computed.
fn check(op: &str, x: &[usize], w: &[usize], along: &Along, out: &[usize]) {
    let count = |dims: &[usize]| dims.iter().product::<usize>();
    let (data, weights) = (numbers(count(x), 1), numbers(count(w), 2));
    let want = reference((x, &data), (w, &weights), along, out, op == "ConvTranspose");
    let dims = |dims: &[usize]| dims.iter().map(ToString::to_string).collect::<Vec<_>>();
    let texts = |all: &[String]| all.iter().map(|d| &**d).map(str::to_owned).collect::<Vec<_>>();
    let (x_dims, w_dims) = (texts(&dims(x)), texts(&dims(w)));
    let input = |name: &str, dims: &[String]| value(name, FLOAT, &dims.iter().map(|d| &**d).collect::<Vec<_>>());
    for known in [true, false] {
        let node = node(op, &["x", "w"], &["y"], along.attributes());
        let stored: Vec<i64> = w.iter().map(|&d| d as i64).collect();
        let (inputs, constants) = match known {
            true => (vec![input("x", &x_dims)], vec![f32s("w", &stored, &weights)]),
            false => (vec![input("x", &x_dims), input("w", &w_dims)], vec![]),
        };
        let bytes = model(13, graph(vec![node], inputs, vec![untyped("y")], constants));
        let tensors = [f32_tensor("x", x, &data), f32_tensor("w", w, &weights)];
        let y = &run(&bytes, &tensors[..if known { 1 } else { 2 }]).unwrap()[0];
        let title = format!("{op} {x:?} {w:?} known: {known}");
        assert_eq!(y.dims[2..], *out, "{title}");
        for (got, want) in floats(y).iter().zip(&want) {
            assert!((got - want).abs() < 1e-4, "{title}: {got} is not {want}");
        }
    }
}

fn along(stride: &[usize], dilation: &[usize], before: &[usize], after: &[usize], groups: usize) -> Along {
    Along {
        stride: stride.to_vec(),
        dilation: dilation.to_vec(),
        before: before.to_vec(),
        after: after.to_vec(),
        groups,
    }
}

#[test]
fn convolutions_of_every_rank() {
    check("Conv", &[2, 3, 7], &[4, 3, 3], &along(&[2], &[1], &[1], &[0], 1), &[3]);
    check("Conv", &[1, 4, 5, 6], &[2, 2, 2, 3], &along(&[1, 2], &[2, 1], &[1, 0], &[0, 2], 2), &[4, 3]);
    check("Conv", &[2, 2, 4, 5, 4], &[3, 2, 3, 2, 3], &along(&[1; 3], &[1; 3], &[1, 0, 1], &[0, 1, 1], 1), &[3, 5, 4]);
    check(
        "Conv",
        &[1, 4, 7, 4, 4],
        &[4, 2, 2, 3, 1],
        &along(&[2, 1, 2], &[3, 1, 1], &[2, 1, 0], &[1, 1, 0], 2),
        &[4, 4, 2],
    );
    check("Conv", &[1, 3, 3, 4, 4], &[3, 1, 3, 3, 3], &along(&[1; 3], &[1; 3], &[1; 3], &[1; 3], 3), &[3, 4, 4]);
    check(
        "Conv",
        &[1, 2, 2, 3, 2, 2],
        &[2, 2, 2, 2, 1, 1],
        &along(&[1; 4], &[1; 4], &[0; 4], &[0; 4], 1),
        &[1, 2, 2, 2],
    );
}

#[test]
fn transposed_convolutions_of_every_rank() {
    check("ConvTranspose", &[2, 3, 4], &[3, 2, 3], &along(&[2], &[1], &[1], &[0], 1), &[8]);
    check("ConvTranspose", &[1, 4, 3, 2], &[4, 2, 2, 3], &along(&[1, 2], &[2, 1], &[1, 0], &[0, 1], 2), &[4, 4]);
    check(
        "ConvTranspose",
        &[1, 2, 3, 2, 2],
        &[2, 3, 3, 2, 2],
        &along(&[2, 1, 2], &[1; 3], &[1, 0, 0], &[0, 1, 1], 1),
        &[6, 2, 3],
    );
    check(
        "ConvTranspose",
        &[2, 4, 2, 2, 3],
        &[4, 1, 2, 2, 1],
        &along(&[1, 2, 1], &[2, 1, 1], &[0; 3], &[0; 3], 2),
        &[4, 4, 3],
    );
    // More is cut off than the depth of the filter beyond its first plane.
    check(
        "ConvTranspose",
        &[1, 1, 3, 1, 1],
        &[1, 1, 1, 1, 1],
        &along(&[2, 1, 1], &[1; 3], &[1, 0, 0], &[1, 0, 0], 1),
        &[3, 1, 1],
    );
}

#[test]
fn doubles_are_convolved_in_double() {
    let conv = node("Conv", &["d", "e"], &["z"], vec![]);
    let casts = [node("Cast", &["x"], &["d"], vec![int("to", 11)]), node("Cast", &["w"], &["e"], vec![int("to", 11)])];
    // Single precision would lose the small one beside the large ones.
    let (x, w) = ([16_777_216.0_f32, 1.0, -16_777_216.0], [1.0_f32, 1.0, 1.0]);
    let back = node("Cast", &["z"], &["y"], vec![int("to", 1)]);
    let nodes = [&casts[..], &[conv, back]].concat();
    let bytes = model(
        13,
        graph(nodes, vec![value("x", FLOAT, &["1", "1", "3"])], vec![untyped("y")], vec![f32s("w", &[1, 1, 3], &w)]),
    );
    assert_eq!(floats(&run(&bytes, &[f32_tensor("x", &[1, 1, 3], &x)]).unwrap()[0]), [1.0]);
}

fn pooled(op: &str, dims: &[usize], x: &[f32], outputs: &[&str], attributes: Vec<AttributeProto>) -> Vec<HostTensor> {
    let bytes = super::one_node(19, node(op, &["x"], outputs, attributes), dims, vec![]);
    run(&bytes, &[f32_tensor("x", dims, x)]).unwrap()
}

fn positions(tensor: &HostTensor) -> Vec<i64> {
    tensor.bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
}

#[test]
fn max_pools_say_where() {
    let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0];
    let window = |storage| vec![ints("kernel_shape", &[2, 2]), int("storage_order", storage)];
    let rows = pooled("MaxPool", &[1, 2, 2, 3], &x, &["y", "at"], window(0));
    assert_eq!((floats(&rows[0]), positions(&rows[1])), (vec![5.0, 9.0, 6.0, 8.0], vec![4, 5, 7, 11]));
    let columns = pooled("MaxPool", &[1, 2, 2, 3], &x, &["y", "at"], window(1));
    assert_eq!(positions(&columns[1]), [3, 5, 8, 11]);
    let deep = vec![ints("kernel_shape", &[2, 1, 2]), ints("strides", &[1, 1, 2]), int("ceil_mode", 1)];
    let deep = pooled("MaxPool", &[1, 1, 2, 2, 3], &x, &["y", "at"], deep);
    assert_eq!(deep[1].dims, [1, 1, 1, 2, 2]);
    assert_eq!((floats(&deep[0]), positions(&deep[1])), (vec![6.0, 5.0, 5.0, 9.0], vec![7, 8, 4, 5]));
}

#[test]
fn unpooling_puts_elements_back() {
    let unpool = |shape: &[i64], inputs: &[&str]| {
        let at = super::onnx_build::i64s("at", &[1, 1, 2], &[1, 2]);
        let shape = super::onnx_build::i64s("shape", &[3], shape);
        let node = node("MaxUnpool", inputs, &["y"], vec![ints("kernel_shape", &[2]), ints("strides", &[2])]);
        model(11, graph(vec![node], vec![value("x", FLOAT, &["1", "1", "2"])], vec![untyped("y")], vec![at, shape]))
    };
    let x = f32_tensor("x", &[1, 1, 2], &[7.0, 8.0]);
    let plain = run(&unpool(&[1, 1, 4], &["x", "at"]), std::slice::from_ref(&x)).unwrap();
    assert_eq!(floats(&plain[0]), [0.0, 7.0, 8.0, 0.0]);
    let longer = run(&unpool(&[1, 1, 5], &["x", "at", "shape"]), &[x]).unwrap();
    assert_eq!(floats(&longer[0]), [0.0, 7.0, 8.0, 0.0, 0.0]);
}

#[test]
fn lp_pools_round_up() {
    let y = pooled(
        "LpPool",
        &[1, 1, 5],
        &[3.0, 4.0, 0.0, 5.0, 12.0],
        &["y"],
        vec![ints("kernel_shape", &[2]), ints("strides", &[2]), int("ceil_mode", 1), text("auto_pad", "NOTSET")],
    );
    for (got, want) in floats(&y[0]).iter().zip([5.0, 5.0, 12.0]) {
        assert!((got - want).abs() < 1e-5, "{got} is not {want}");
    }
}

#[test]
fn columns_add_up_where_they_overlap() {
    let sizes = |name: &str, values: &[i64]| super::onnx_build::i64s(name, &[values.len() as i64], values);
    let node =
        node("Col2Im", &["x", "image", "block"], &["y"], vec![ints("strides", &[1, 2]), ints("pads", &[0, 1, 0, 0])]);
    let constants = vec![sizes("image", &[2, 4]), sizes("block", &[1, 3])];
    let bytes = model(18, graph(vec![node], vec![value("x", FLOAT, &["1", "3", "4"])], vec![untyped("y")], constants));
    let x: Vec<f32> = (1..=12).map(|v| v as f32).collect();
    let y = &run(&bytes, &[f32_tensor("x", &[1, 3, 4], &x)]).unwrap()[0];
    // Two windows in each of two rows; the first tap of the first one lies in the padding.
    assert_eq!(y.dims, [1, 1, 2, 4]);
    assert_eq!(floats(y), [5.0, 9.0 + 2.0, 6.0, 10.0, 7.0, 11.0 + 4.0, 8.0, 12.0]);
}

#[test]
fn computed_positions_are_checked() {
    let at = value("at", INT64, &["1", "1", "2"]);
    let node = node("MaxUnpool", &["x", "at"], &["y"], vec![ints("kernel_shape", &[2]), ints("strides", &[2])]);
    let bytes = model(11, graph(vec![node], vec![value("x", FLOAT, &["1", "1", "2"]), at], vec![untyped("y")], vec![]));
    let at = HostTensor {
        name: "at".to_owned(),
        dtype: mote_abi::DType::I64,
        dims: vec![1, 1, 2],
        bytes: [3_i64, 0].iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let y = run(&bytes, &[f32_tensor("x", &[1, 1, 2], &[7.0, 8.0]), at]).unwrap();
    assert_eq!(floats(&y[0]), [8.0, 0.0, 0.0, 7.0]);
}
