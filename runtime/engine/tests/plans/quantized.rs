use mote_abi::op;
use mote_engine::Fault;
use mote_plan::{Kind, step};

use crate::scene::{Scene, one};

const CONV: step::QConv = step::QConv {
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    pad: [0, 0],
    groups: 1,
    x_zero: 10,
    y_zero: -3,
    low: -128,
    high: 127,
};

const BLEND: step::QBinary = step::QBinary {
    op: op::Binary::Add,
    a_scale: 0.5,
    b_scale: 2.0,
    a_zero: 128,
    b_zero: 0,
    y_zero: 1,
    low: 0,
    high: 255,
};

const POOL: step::QPool = step::QPool {
    kernel: [2, 2],
    stride: [2, 2],
    dilation: [1, 1],
    pad: [0, 0],
    pad_end: [0, 0],
    op: op::Pool::Average,
    scale: 2.0,
    x_zero: -128,
    y_zero: 0,
    low: -128,
    high: 127,
};

/// Adds a sound step of each kind of quantized arithmetic.
pub(crate) fn every_kind(s: &mut Scene) {
    let x = s.constant(&[1, 2, 2, 4], &[0.5_f32; 16]);
    let (scale, zero) = (s.constant(&[4], &[0.25_f32; 4]), s.constant(&[], &[3_u8]));
    let (steps, numbers) = (s.tensor::<u8>(&[1, 2, 2, 4]), s.tensor::<f32>(&[1, 2, 2, 4]));
    s.bare(Kind::Quantize, &[x, scale, zero], &[steps]);
    s.bare(Kind::Dequantize, &[steps, scale, zero], &[numbers]);
    let padded = step::QConv { kernel: [3, 3], pad: [1, 1], ..CONV };
    let (w, bias) = (s.constant(&[1, 36, 8], &[-2_i8; 288]), s.constant(&[8], &[7_i32; 8]));
    let (factor, sums) = (s.constant(&[8], &[0.125_f32; 8]), s.tensor::<i8>(&[1, 2, 2, 5]));
    let (one_zero, zeros) = (s.constant(&[1], &[9_u8]), s.constant(&[8], &[1_i32; 8]));
    s.step(Kind::QConv, &[steps, w, bias, factor, one_zero, zeros], &[sums], &padded);
    let (w, bias) = (s.constant(&[1, 9, 4], &[3_i8; 36]), s.constant(&[4], &[-7_i32; 4]));
    let whole = s.tensor::<i32>(&[1, 2, 2, 4]);
    s.step(Kind::QDepthwise, &[steps, w, bias], &[whole], &step::QConv { groups: 4, ..padded });
    let (w, bias) = (s.constant(&[2, 18], &[3_i8; 36]), s.constant(&[2], &[-7_i32; 2]));
    let (factor, floats) = (s.constant(&[2], &[0.5_f32; 2]), s.tensor::<f32>(&[1, 2, 2, 2]));
    s.step(Kind::QConvGroup, &[steps, w, bias, factor], &[floats], &step::QConv { groups: 2, ..padded });
    let table = s.constant(&[256], &[5_u8; 256]);
    s.bare(Kind::Lookup, &[steps, table], &[steps]);
    s.step(Kind::QBinary, &[steps, zero], &[steps], &BLEND);
    let small = s.tensor::<i8>(&[1, 1, 1, 5]);
    s.step(Kind::QPool, &[sums], &[small], &POOL);
}

#[test]
fn steps_and_numbers_per_channel() {
    let x = [0.5, 1.5, -2.5, 300.0, -3.0, f32::NAN];
    let quantized = |s: &mut Scene| vec![s.constant(&[2, 3], &x), s.constant(&[2, 1], &[1.0_f32, 0.5])];
    let mut s = Scene::new();
    let mut inputs = quantized(&mut s);
    inputs.push(s.constant(&[2, 1], &[0_i8, 100]));
    let (y, back) = (s.tensor::<i8>(&[2, 3]), s.tensor::<f32>(&[2, 3]));
    s.bare(Kind::Quantize, &inputs, &[y]);
    s.bare(Kind::Dequantize, &[y, inputs[1], inputs[2]], &[back]);
    let ran = s.run().unwrap();
    assert_eq!(ran.storage::<i8>(y)[..6], [0, 2, -2, 127, 94, -128]);
    assert_eq!(ran.storage::<f32>(back)[..6], [0.0, 2.0, -2.0, 13.5, -3.0, -114.0]);
}

#[test]
fn wide_steps_keep_their_zero_point() {
    let mut s = Scene::new();
    let (x, scale) = (s.constant(&[3], &[1.0_f32, -1.0, 1e9]), s.constant(&[], &[1.0 / 1024.0_f32]));
    let (zero, y) = (s.constant(&[], &[65_000_u16]), s.tensor::<u16>(&[3]));
    s.bare(Kind::Quantize, &[x, scale, zero], &[y]);
    assert_eq!(s.run().unwrap().storage::<u16>(y)[..3], [65_535, 63_976, 65_535]);
}

/// Two rows of three values by three columns, each result by hand.
#[test]
fn a_product_in_integers() {
    let build = |s: &mut Scene| {
        let x = s.constant(&[1, 1, 2, 3], &[11_u8, 12, 13, 10, 0, 255]);
        // Columns (1, 2, 3), (-1, 0, 1) and (127, -128, 5), padded to a group of four and a panel of eight.
        let columns = [[1_i8, 2, 3, 0], [-1, 0, 1, 0], [127, -128, 5, 0]];
        let mut w = [0_i8; 32];
        w[..12].copy_from_slice(columns.as_flattened());
        let w = s.constant(&[1, 4, 8], &w);
        let bias = s.constant(&[8], &[5_i32, 0, -1, 0, 0, 0, 0, 0]);
        vec![x, w, bias, s.constant(&[8], &[0.5_f32; 8])]
    };
    // Differences from 10: (1, 2, 3) and (0, -10, 245).
    let sums: Vec<i32> = one(|s| build(s)[..3].to_vec(), Kind::QConv, &CONV, &[1, 1, 2, 3]).unwrap();
    assert_eq!(sums, [19, 2, -115, 720, 245, 2504]);
    let floats: Vec<f32> = one(build, Kind::QConv, &CONV, &[1, 1, 2, 3]).unwrap();
    assert_eq!(floats, [9.5, 1.0, -57.5, 360.0, 122.5, 1252.0]);
    // 9.5 -> 10, 122.5 -> 122, -57.5 -> -58; zero point -3.
    let bytes: Vec<i8> = one(build, Kind::QConv, &CONV, &[1, 1, 2, 3]).unwrap();
    assert_eq!(bytes, [7, -2, -61, 127, 119, 127]);
    let relu = step::QConv { low: -3, high: 20, ..CONV };
    assert_eq!(one::<i8, _>(build, Kind::QConv, &relu, &[1, 1, 2, 3]).unwrap(), [7, -2, -3, 20, 20, 20]);
}

#[test]
fn sums_and_products_of_bytes() {
    let operands = |s: &mut Scene| vec![s.constant(&[2, 2], &[128_u8, 131, 0, 255]), s.constant(&[2], &[1_i8, -4])];
    // (0, 3, -128, 127) / 2 plus 2 * (1, -4).
    assert_eq!(one::<u8, _>(operands, Kind::QBinary, &BLEND, &[2, 2]).unwrap(), [3, 0, 0, 57]);
    let product = step::QBinary { op: op::Binary::Mul, ..BLEND };
    assert_eq!(one::<u8, _>(operands, Kind::QBinary, &product, &[2, 2]).unwrap(), [1, 0, 0, 0]);
}

#[test]
fn windows_of_bytes() {
    let x = |s: &mut Scene| vec![s.constant(&[1, 2, 2, 2], &[-128_i8, 1, -127, 2, -126, 3, -127, -9])];
    // Distances from -128: (0, 1, 2, 1) and (129, 130, 131, 119).
    assert_eq!(one::<i8, _>(x, Kind::QPool, &POOL, &[1, 1, 1, 2]).unwrap(), [2, 127]);
    let largest = step::QPool { op: op::Pool::Max, x_zero: 0, ..POOL };
    assert_eq!(one::<i8, _>(x, Kind::QPool, &largest, &[1, 1, 1, 2]).unwrap(), [-126, 3]);
}

#[test]
fn contradictions_are_faults() {
    let refused = |built: Result<Vec<u8>, Fault>| assert_eq!(built.unwrap_err(), Fault::MalformedPlan);
    let pair = |s: &mut Scene| vec![s.constant(&[2], &[1_u8, 2]), s.constant(&[2], &[1_u8, 2])];
    refused(one(pair, Kind::QBinary, &step::QBinary { a_zero: 256, ..BLEND }, &[2]));
    refused(one(pair, Kind::QBinary, &step::QBinary { low: 9, high: 8, ..BLEND }, &[2]));
    refused(one(pair, Kind::QBinary, &step::QBinary { op: op::Binary::Max, ..BLEND }, &[2]));
    refused(one(|s| vec![s.constant(&[2], &[1_i32, 2]), s.constant(&[], &[1_u8])], Kind::QBinary, &BLEND, &[2]));
    let bare = |inputs: fn(&mut Scene) -> Vec<_>, kind| {
        let mut s = Scene::new();
        let (inputs, y) = (inputs(&mut s), s.tensor::<u8>(&[2]));
        s.bare(kind, &inputs, &[y]);
        assert_eq!(s.run().err(), Some(Fault::MalformedPlan));
    };
    bare(|s| vec![s.constant(&[2], &[1_u8, 2]), s.constant(&[255], &[0_u8; 255])], Kind::Lookup);
    bare(|s| vec![s.constant(&[2], &[1_u8, 2]), s.constant(&[256], &[0_i8; 256])], Kind::Lookup);
    bare(
        |s| vec![s.constant(&[2], &[1.0_f32, 2.0]), s.constant(&[], &[1.0_f32]), s.constant(&[], &[0_i8])],
        Kind::Quantize,
    );
    bare(|s| vec![s.constant(&[2], &[1.0_f32, 2.0]), s.constant(&[3], &[1.0_f32; 3])], Kind::Quantize);
}
