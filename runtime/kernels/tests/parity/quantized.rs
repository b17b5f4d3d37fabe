use mote_kernels::select::{Byte, Filter, Packing, QConv, Requantize, Sums};
use mote_kernels::{Window, blocked, scalar};

use crate::random::{Random, image};

/// Input `[N, H, W, C]`, output channels, groups, kernel, stride, dilation, padding on every side.
struct Case {
    x: [u32; 4],
    co: u32,
    groups: u32,
    kernel: [u32; 2],
    stride: [u32; 2],
    dilation: [u32; 2],
    pad: [u32; 2],
}

impl Case {
    fn output(&self) -> [u32; 4] {
        let size = |a: usize| {
            (self.x[a + 1] + 2 * self.pad[a] - (self.kernel[a] - 1) * self.dilation[a] - 1) / self.stride[a] + 1
        };
        [self.x[0], size(0), size(1), self.co]
    }

    fn packing(&self) -> Packing {
        match self.groups {
            1 => Packing::Panels,
            groups if groups == self.co && groups == self.x[3] => Packing::Lanes,
            _ => Packing::Rows,
        }
    }
}

fn grid() -> Vec<Case> {
    let mut cases = Vec::new();
    for (x, co, groups) in [
        ([1, 5, 7, 1], 3, 1),
        ([2, 6, 9, 3], 8, 1),
        ([1, 7, 11, 5], 17, 1),
        ([1, 1, 13, 40], 10, 1),
        ([1, 6, 8, 6], 6, 6),
        ([1, 9, 10, 37], 37, 37),
        ([1, 5, 6, 6], 4, 2),
    ] {
        for (kernel, stride, dilation, pad) in [
            ([1, 1], [1, 1], [1, 1], [0, 0]),
            ([1, 3], [1, 1], [1, 1], [0, 1]),
            ([3, 3], [1, 2], [1, 1], [1, 1]),
            ([3, 3], [2, 1], [2, 2], [2, 2]),
            ([2, 5], [1, 3], [1, 1], [3, 4]),
        ] {
            cases.push(Case { x, co, groups, kernel, stride, dilation, pad });
        }
    }
    cases.retain(|case| (0..2).all(|a| case.x[a + 1] + 2 * case.pad[a] > (case.kernel[a] - 1) * case.dilation[a]));
    cases
}

#[test]
fn convolutions_of_bytes_agree() {
    for (i, case) in grid().iter().enumerate() {
        for (halo, signed, zeros) in [([0; 4], true, false), ([1, 2, 0, 1], false, true), ([0; 4], false, false)] {
            check(case, halo, signed, zeros, i as u64);
        }
    }
}

fn check(case: &Case, halo: [u32; 4], signed: bool, zeros: bool, seed: u64) {
    let mut random = Random::new(seed + 1);
    let (x, x_len) = image(case.x, halo);
    let (y, y_len) = image(case.output(), [0; 4]);
    let window = Window { kernel: case.kernel, stride: case.stride, dilation: case.dilation, pad: case.pad };
    let from = Byte::new(signed, if signed { -7 } else { 131 }).unwrap();
    let shape = QConv { x, y, window, groups: case.groups as usize, packing: case.packing(), from };
    let [kh, kw] = case.kernel.map(|taps| taps as usize);
    let (ci, co) = (case.x[3] as usize, case.co as usize);
    let (padded, each) = match shape.packing {
        Packing::Panels => (co.next_multiple_of(8), kh * (kw * ci).next_multiple_of(4)),
        Packing::Lanes => (co.next_multiple_of(4), kh * kw),
        Packing::Rows => (co, kh * kw * ci / case.groups as usize),
    };
    let mut bytes = |count: usize| (0..count).map(|_| random.next() as u8).collect::<Vec<u8>>();
    let (input, weights) = (bytes(x_len), bytes(padded * each));
    let mut weights: Vec<i8> = weights.into_iter().map(u8::cast_signed).collect();
    if shape.packing == Packing::Panels {
        // What pads a filter row is 0.
        for (i, weight) in weights.iter_mut().enumerate() {
            let k = i / 32 % (each / kh / 4) * 4 + i % 4;
            *weight = if k < kw * ci { *weight } else { 0 };
        }
    }
    let bias: Vec<i32> = (0..padded).map(|_| random.next() as i32 >> 12).collect();
    let scale: Vec<f32> = random.plain(padded).iter().map(|v| v / 100.0).collect();
    let zero: Vec<i32> = (0..padded).map(|_| (random.next() % 200) as i32 - 100).collect();
    let filter = Filter { weights: &weights, bias: &bias, scale: Some(&scale), zero: zeros.then_some(&zero[..]) };
    let to = Requantize::new(signed, 3, [0, 100]).unwrap();
    let mut results = [vec![0_u8; y_len], vec![0; y_len]];
    let mut whole = [vec![0_i32; y_len], vec![0; y_len]];
    let [slow, fast] = &mut results;
    scalar::quantized::conv::q_conv(&shape, &input, &filter, &mut Sums::Bytes(slow, to)).unwrap();
    blocked::quantized::q_conv(&shape, &input, &filter, &mut Sums::Bytes(fast, to)).unwrap();
    let [slow, fast] = &mut whole;
    scalar::quantized::conv::q_conv(&shape, &input, &filter, &mut Sums::Whole(slow)).unwrap();
    blocked::quantized::q_conv(&shape, &input, &filter, &mut Sums::Whole(fast)).unwrap();
    let title = format!("{:?} {} {:?} {signed} {zeros}", case.x, case.co, case.kernel);
    assert_eq!(whole[0], whole[1], "{title}");
    assert_eq!(results[0], results[1], "{title}");
}
