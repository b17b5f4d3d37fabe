use mote_abi::op;
use mote_kernels::scalar::conv::Conv;
use mote_kernels::scalar::depthwise::Depthwise;
use mote_kernels::scalar::pool::Pool;
use mote_kernels::{Clamp, Window, blocked, scalar};

use crate::random::{Random, bits, image};

/// Input `[N, H, W, C]`, output channels, kernel, stride, dilation, padding at the start and at the end.
struct Case {
    x: [u32; 4],
    co: u32,
    kernel: [u32; 2],
    stride: [u32; 2],
    dilation: [u32; 2],
    pad: [u32; 2],
    pad_end: [u32; 2],
}

impl Case {
    fn output(&self) -> [u32; 4] {
        let size = |a: usize| {
            let reach = (self.kernel[a] - 1) * self.dilation[a] + 1;
            (self.x[a + 1] + self.pad[a] + self.pad_end[a] - reach) / self.stride[a] + 1
        };
        [self.x[0], size(0), size(1), self.co]
    }

    fn window(&self) -> Window {
        Window { kernel: self.kernel, stride: self.stride, dilation: self.dilation, pad: self.pad }
    }
}

fn grid() -> Vec<Case> {
    let mut cases = Vec::new();
    let kernels = [[1, 1], [3, 3], [1, 5], [2, 3], [5, 5]];
    for (i, kernel) in kernels.into_iter().enumerate() {
        for stride in [[1, 1], [2, 2], [1, 3]] {
            for (dilation, pad, pad_end) in
                [([1, 1], [0, 0], [0, 0]), ([1, 1], [1, 2], [1, 1]), ([2, 1], [2, 0], [3, 4]), ([1, 2], [4, 4], [0, 9])]
            {
                for (size, c, co) in [([9, 7], 1, 1), ([9, 12], 3, 8), ([11, 9], 4, 5), ([12, 19], 9, 17)] {
                    let x = [1 + (i as u32 & 1), size[0], size[1], c];
                    cases.push(Case { x, co, kernel, stride, dilation, pad, pad_end });
                }
            }
        }
    }
    cases.retain(|case| {
        (0..2).all(|a| case.x[a + 1] + case.pad[a] + case.pad_end[a] > (case.kernel[a] - 1) * case.dilation[a])
    });
    cases.push(Case {
        x: [1, 1, 13, 40],
        co: 10,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [0, 0],
        pad_end: [0, 0],
    });
    cases
}

const HALOS: [[u32; 4]; 3] = [[0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 1, 3]];

#[test]
fn convolutions() {
    for (i, case) in grid().iter().enumerate() {
        let random = &mut Random::new(i as u64);
        let (halo_x, halo_y) = (HALOS[i % 3], HALOS[i / 3 % 3]);
        let (x, x_len) = image(case.x, halo_x);
        let (y, y_len) = image(case.output(), halo_y);
        let (residual, residual_len) = image(case.output(), HALOS[i / 9 % 3]);
        let clamp = [Clamp::NONE, Clamp { low: 0.0, high: 6.0 }, Clamp { low: -0.5, high: 0.25 }][i % 3];
        let shape = Conv { x, y, residual, window: case.window(), clamp };
        let k = (case.kernel[0] * case.kernel[1] * case.x[3]) as usize;
        let panels = case.co.div_ceil(8) as usize;
        let (w, bias) = (random.plain(panels * k * 8), random.plain(panels * 8));
        // Padding is skipped, and NaN there would show.
        let data = random.hostile(x_len);
        let added = (i % 2 == 0).then(|| random.plain(residual_len));
        let (mut slow, mut fast) = (vec![7.0; y_len], vec![7.0; y_len]);
        scalar::conv::conv(&shape, &data, &w, &bias, added.as_deref(), &mut slow).unwrap();
        blocked::conv::conv(&shape, &data, &w, &bias, added.as_deref(), &mut fast).unwrap();
        assert_eq!(bits(&slow), bits(&fast), "case {i}");
    }
}

#[test]
fn depthwise_convolutions() {
    for (i, case) in grid().iter().enumerate() {
        let random = &mut Random::new(i as u64);
        let (x, x_len) = image(case.x, HALOS[i % 3]);
        let mut dims = case.output();
        dims[3] = case.x[3];
        let (y, y_len) = image(dims, HALOS[i / 3 % 3]);
        let shape = Depthwise { x, y, window: case.window(), clamp: Clamp { low: 0.0, high: 6.0 } };
        let padded = case.x[3].div_ceil(4) as usize * 4;
        let taps = (case.kernel[0] * case.kernel[1]) as usize;
        let (w, bias, data) = (random.plain(padded * taps), random.plain(padded), random.hostile(x_len));
        let (mut slow, mut fast) = (vec![7.0; y_len], vec![7.0; y_len]);
        scalar::depthwise::depthwise(&shape, &data, &w, &bias, &mut slow).unwrap();
        blocked::depthwise::depthwise(&shape, &data, &w, &bias, &mut fast).unwrap();
        assert_eq!(bits(&slow), bits(&fast), "case {i}");
    }
}

#[test]
fn poolings() {
    for (i, case) in grid().iter().enumerate() {
        for &op in op::Pool::ALL {
            let (x, x_len) = image(case.x, HALOS[i % 3]);
            let mut dims = case.output();
            dims[3] = case.x[3];
            let (y, y_len) = image(dims, HALOS[i / 3 % 3]);
            let shape = Pool { x, y, window: case.window(), pad_end: case.pad_end, op };
            let data = Random::new(i as u64).hostile(x_len);
            let (mut slow, mut fast) = (vec![7.0; y_len], vec![7.0; y_len]);
            scalar::pool::pool(&shape, &data, &mut slow).unwrap();
            blocked::pool::pool(&shape, &data, &mut fast).unwrap();
            assert_eq!(bits(&slow), bits(&fast), "case {i} {op:?}");
        }
    }
}
