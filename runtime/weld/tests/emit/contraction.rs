//! Convolutions, fully connected layers and depthwise convolutions.

use mote_plan::{Halo, Kind, step};
use proptest::prelude::*;

use crate::bench::{Bench, element};
use crate::reference::{self, Memory};

/// A convolution over `[n, h, w, ci]`.
#[derive(Clone, Debug)]
struct Case {
    /// Shown where the case fails.
    what: &'static str,
    x: [u32; 4],
    co: u32,
    kernel: [u32; 2],
    stride: [u32; 2],
    dilation: [u32; 2],
    /// Padding: above, left, below, right.
    pad: [u16; 4],
    /// Whether the padding is a halo of the input.
    haloed: bool,
    y_halo: u16,
    residual: bool,
    clamp: [f32; 2],
}

const INF: f32 = f32::INFINITY;

const PLAIN: Case = Case {
    what: "",
    x: [1, 1, 1, 1],
    co: 1,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    pad: [0; 4],
    haloed: true,
    y_halo: 0,
    residual: false,
    clamp: [-INF, INF],
};

const SAME3: Case = Case { kernel: [3, 3], pad: [1; 4], ..PLAIN };

impl Case {
    fn output(&self, axis: usize) -> u32 {
        let pad = u32::from(self.pad[axis]) + u32::from(self.pad[axis + 2]);
        let span = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        (self.x[1 + axis] + pad - span) / self.stride[axis] + 1
    }

    fn params(&self) -> step::Conv {
        step::Conv {
            kernel: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            pad: [u32::from(self.pad[0]), u32::from(self.pad[1])],
            low: self.clamp[0],
            high: self.clamp[1],
        }
    }

    fn x_halo(&self) -> Halo {
        let [top, left, bottom, right] = if self.haloed { self.pad } else { [0; 4] };
        Halo { top, left, bottom, right }
    }

    fn y_halo(&self) -> Halo {
        Halo { top: self.y_halo, left: self.y_halo, bottom: self.y_halo, right: self.y_halo }
    }

    fn run_conv(&self, spoil: impl Fn(&mut Bench, &mote_plan::Tensor)) {
        let mut bench = Bench::new();
        let (x_id, x) = bench.tensor(&self.x, self.x_halo());
        spoil(&mut bench, &x);
        let out = [self.x[0], self.output(0), self.output(1), self.co];
        let residual = self.residual.then(|| bench.tensor(&out, Halo::NONE));
        let (y_id, y) = bench.tensor(&out, self.y_halo());
        let k = self.kernel[0] * self.kernel[1] * self.x[3];
        let (w, bias) = (bench.numbers(k * self.co), bench.numbers(self.co));
        let panels = self.co.div_ceil(8);
        let mut packed = vec![0.0; (panels * k * 8) as usize];
        for (k, row) in w.chunks_exact(self.co as usize).enumerate() {
            for (o, &value) in row.iter().enumerate() {
                packed[(o / 8 * (w.len() / self.co as usize) + k) * 8 + o % 8] = value;
            }
        }
        let mut padded = bias.clone();
        padded.resize((panels * 8) as usize, 0.0);
        let (w_id, bias_id) = (bench.constant(&packed), bench.constant(&padded));
        let inputs = [Some(x_id), Some(w_id), Some(bias_id), residual.map(|(id, _)| id)];
        let used = if self.residual { 4 } else { 3 };
        bench.step(Kind::Conv, &inputs[..used], y_id, &self.params());
        let mut memory = Memory(bench.arena.clone());
        let residual = residual.map(|(_, tensor)| tensor);
        reference::conv(&mut memory, &self.params(), &x, &w, &bias, residual.as_ref(), &y);
        bench.expect(&format!("{}: conv {self:?}", self.what), &memory.0);
    }

    fn run_depthwise(&self) {
        let mut bench = Bench::new();
        let (x_id, x) = bench.tensor(&self.x, self.x_halo());
        let channels = self.x[3];
        let (y_id, y) = bench.tensor(&[self.x[0], self.output(0), self.output(1), channels], self.y_halo());
        let taps = self.kernel[0] * self.kernel[1];
        let (w, bias) = (bench.numbers(taps * channels), bench.numbers(channels));
        let groups = channels.div_ceil(4);
        let mut packed = vec![0.0; (groups * taps * 4) as usize];
        for (tap, row) in w.chunks_exact(channels as usize).enumerate() {
            for (c, &value) in row.iter().enumerate() {
                packed[(c / 4 * taps as usize + tap) * 4 + c % 4] = value;
            }
        }
        let mut padded = bias.clone();
        padded.resize((groups * 4) as usize, 0.0);
        let (w_id, bias_id) = (bench.constant(&packed), bench.constant(&padded));
        bench.step(Kind::Depthwise, &[Some(x_id), Some(w_id), Some(bias_id)], y_id, &self.params());
        let mut memory = Memory(bench.arena.clone());
        reference::depthwise(&mut memory, &self.params(), &x, &w, &bias, &y);
        bench.expect(&format!("{}: depthwise {self:?}", self.what), &memory.0);
    }
}

#[test]
fn convolutions_of_every_shape_agree() {
    let cases = [
        Case { what: "one of everything", ..PLAIN },
        Case { what: "fully connected", x: [1, 1, 1, 37], co: 50, ..PLAIN },
        Case { what: "fully connected, whole wide tiles", x: [1, 1, 1, 64], co: 48, ..PLAIN },
        Case { what: "fully connected, two rows", x: [1, 1, 2, 40], co: 43, clamp: [0.0, INF], ..PLAIN },
        Case { what: "row tails, odd K", x: [1, 7, 7, 13], co: 24, ..PLAIN },
        Case { what: "blocks of a long row", x: [1, 40, 41, 96], co: 40, clamp: [0.0, 1.0], ..PLAIN },
        Case { what: "blocks that divide", x: [1, 48, 50, 120], co: 16, residual: true, ..PLAIN },
        Case { what: "into a halo", x: [1, 14, 14, 24], co: 40, y_halo: 1, ..PLAIN },
        Case { what: "into a halo, row tails, residual", x: [1, 7, 9, 10], co: 17, y_halo: 2, residual: true, ..PLAIN },
        Case { what: "into a halo, several blocks", x: [1, 60, 30, 64], co: 64, y_halo: 1, ..PLAIN },
        Case { what: "batch, dense", x: [3, 5, 5, 9], co: 11, residual: true, ..PLAIN },
        Case { what: "batch, halo", x: [2, 5, 6, 8], co: 12, y_halo: 1, ..SAME3 },
        Case { what: "1x1 strided", x: [1, 9, 8, 16], co: 24, stride: [2, 2], ..PLAIN },
        Case { what: "3x3", x: [1, 8, 9, 5], co: 19, clamp: [-0.5, 0.5], ..SAME3 },
        Case { what: "3x3 stem", x: [1, 12, 12, 3], co: 16, stride: [2, 2], pad: [0, 0, 1, 1], ..SAME3 },
        Case { what: "3x3 uncovered", x: [2, 6, 7, 4], co: 9, haloed: false, residual: true, ..SAME3 },
        Case { what: "3x3 uncovered, strided", x: [1, 7, 7, 3], co: 8, haloed: false, stride: [2, 2], ..SAME3 },
        Case {
            what: "5x5 asymmetric",
            x: [1, 11, 10, 2],
            co: 6,
            kernel: [5, 5],
            pad: [2, 1, 1, 3],
            stride: [1, 2],
            ..PLAIN
        },
        Case { what: "dilated", x: [1, 12, 11, 3], co: 10, dilation: [2, 3], pad: [2, 3, 2, 3], ..SAME3 },
        Case {
            what: "dilated, uncovered",
            x: [1, 12, 11, 3],
            co: 4,
            dilation: [1, 2],
            pad: [1, 2, 1, 2],
            haloed: false,
            ..SAME3
        },
        Case { what: "1-D along the row", x: [2, 1, 50, 3], co: 12, kernel: [1, 7], pad: [0, 3, 0, 3], ..PLAIN },
        Case {
            what: "1-D along the column",
            x: [1, 50, 1, 6],
            co: 12,
            kernel: [7, 1],
            pad: [3, 0, 3, 0],
            haloed: false,
            ..PLAIN
        },
        Case { what: "the whole image at once", x: [1, 6, 5, 4], co: 10, kernel: [6, 5], ..PLAIN },
        Case { what: "a lane", x: [1, 4, 5, 8], co: 1, ..SAME3 },
        Case { what: "three lanes", x: [1, 4, 5, 8], co: 3, residual: true, ..SAME3 },
        Case { what: "seven lanes", x: [1, 4, 5, 8], co: 7, residual: true, y_halo: 1, ..SAME3 },
    ];
    for case in cases {
        case.run_conv(|_, _| {});
    }
}

#[test]
fn nan_infinity_and_negative_zero_pass_through() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 4.0, f32::MAX];
    let case = Case { what: "odd values", x: [1, 4, 6, 3], co: 9, clamp: [0.0, 6.0], ..SAME3 };
    case.run_conv(|bench, x| {
        for (i, value) in (0..).zip(odd) {
            bench.set(element(x, 0, i % 4, i, i % 3), value);
        }
    });
}

#[test]
fn depthwise_convolutions_of_every_shape_agree() {
    let cases = [
        Case { what: "3x3", x: [1, 7, 9, 16], clamp: [0.0, 6.0], ..SAME3 },
        Case { what: "3x3 strided", x: [1, 9, 9, 8], stride: [2, 2], ..SAME3 },
        Case { what: "3x3 strided, asymmetric", x: [1, 8, 8, 12], stride: [2, 2], pad: [0, 0, 1, 1], ..SAME3 },
        Case { what: "3x3, one channel", x: [1, 6, 5, 1], ..SAME3 },
        Case { what: "3x3, two over", x: [2, 5, 6, 6], y_halo: 1, ..SAME3 },
        Case { what: "3x3, three over", x: [1, 5, 6, 11], ..SAME3 },
        Case { what: "3x3 uncovered", x: [1, 6, 7, 5], haloed: false, ..SAME3 },
        Case { what: "5x5", x: [1, 9, 8, 7], kernel: [5, 5], pad: [2; 4], ..PLAIN },
        Case {
            what: "5x5 strided",
            x: [1, 11, 12, 10],
            kernel: [5, 5],
            pad: [2; 4],
            stride: [2, 2],
            clamp: [0.0, INF],
            ..PLAIN
        },
        Case { what: "dilated", x: [1, 9, 12, 4], dilation: [2, 2], pad: [2; 4], ..SAME3 },
        Case { what: "1-D, wide", x: [1, 1, 40, 9], kernel: [1, 15], pad: [0, 7, 0, 7], ..PLAIN },
        Case {
            what: "1-D, wide, uncovered",
            x: [1, 1, 40, 4],
            kernel: [1, 11],
            pad: [0, 1, 0, 1],
            haloed: false,
            ..PLAIN
        },
        Case { what: "1-D along the column", x: [1, 20, 1, 8], kernel: [5, 1], pad: [2, 0, 2, 0], ..PLAIN },
        Case { what: "1x1", x: [1, 3, 3, 8], ..PLAIN },
    ];
    for case in cases {
        case.run_depthwise();
    }
}

#[test]
fn products_of_two_matrices_agree() {
    // Batch of a, of b, then m, k, n.
    let cases = [
        (1, 1, 1, 1, 1),
        (1, 1, 1, 33, 50),
        (1, 1, 2, 8, 31),
        (1, 1, 9, 7, 8),
        (1, 1, 50, 16, 24),
        (3, 1, 5, 6, 11),
        (1, 3, 7, 5, 3),
        (4, 4, 13, 9, 14),
        (1, 1, 700, 64, 20),
    ];
    for (a_batch, b_batch, m, k, n) in cases {
        let batch = u32::max(a_batch, b_batch);
        let mut bench = Bench::new();
        let (a_id, a) = bench.tensor(&[a_batch, m, k], Halo::NONE);
        let (b_id, b) = bench.tensor(&[b_batch, k, n], Halo::NONE);
        let (y_id, y) = bench.tensor(&[batch, m, n], Halo::NONE);
        bench.product(a_id, b_id, y_id);
        let mut memory = Memory(bench.arena.clone());
        reference::mat_mul(&mut memory, &a, &b, &y);
        bench.expect(&format!("[{a_batch},{m},{k}] x [{b_batch},{k},{n}]"), &memory.0);
    }
}

fn any_case() -> impl Strategy<Value = Case> {
    let extent = 1u32..14;
    let shape = (1u32..3, extent.clone(), extent, 1u32..20, 1u32..40);
    let window = ((1u32..4, 1u32..6), (1u32..4, 1u32..4), (1u32..3, 1u32..3));
    let pads = prop::array::uniform4(0u16..3);
    (shape, window, pads, any::<bool>(), 0u16..2, any::<bool>()).prop_map(
        |((n, h, w, ci, co), (kernel, stride, dilation), mut pad, haloed, y_halo, residual)| {
            // At least one window fits, and each sees the input.
            let kernel = [kernel.0.min(h), kernel.1.min(w)];
            let dilation = [if kernel[0] > 1 { dilation.0 } else { 1 }, if kernel[1] > 1 { dilation.1 } else { 1 }];
            for axis in 0..2 {
                let span = (kernel[axis] - 1) * dilation[axis];
                pad[axis] = pad[axis].min(span as u16);
                pad[axis + 2] = span as u16 - pad[axis];
            }
            Case {
                what: "random",
                x: [n, h, w, ci],
                co,
                kernel,
                stride: [stride.0, stride.1],
                dilation,
                pad,
                haloed,
                y_halo,
                residual,
                clamp: [-1.0, 1.5],
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_convolutions_agree(case in any_case()) {
        case.run_conv(|_, _| {});
        case.run_depthwise();
    }
}
