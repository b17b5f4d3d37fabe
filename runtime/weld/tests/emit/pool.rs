//! Pooling.

use mote_abi::op;
use mote_plan::{Halo, Kind, step};

use crate::bench::{Bench, element};
use crate::reference::{self, Memory};

const GLOBAL: [u32; 2] = [0, 0];

#[test]
fn pools_of_every_shape_agree() {
    // Input, kernel (GLOBAL: all of it), stride, dilation, padding above and left, padding below and right.
    let cases = [
        ([1, 7, 7, 20], GLOBAL, [1, 1], [1, 1], [0, 0], [0, 0]),
        ([2, 4, 4, 3], GLOBAL, [1, 1], [1, 1], [0, 0], [0, 0]),
        ([1, 8, 8, 8], [2, 2], [2, 2], [1, 1], [0, 0], [0, 0]),
        ([1, 9, 8, 5], [3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
        ([2, 6, 7, 6], [3, 2], [1, 2], [1, 1], [1, 0], [0, 1]),
        ([1, 8, 8, 4], [3, 3], [1, 1], [2, 2], [0, 0], [0, 0]),
        ([1, 1, 30, 2], [1, 4], [1, 4], [1, 1], [0, 0], [0, 2]),
        ([1, 5, 5, 7], [3, 3], [3, 3], [1, 1], [1, 1], [1, 1]),
        ([1, 4, 6, 4], [2, 12], [1, 1], [1, 1], [0, 4], [0, 4]),
    ];
    for (x_dims, kernel, stride, dilation, pad, pad_end) in cases {
        for op in op::Pool::ALL.iter().copied() {
            for halo in [0, 1] {
                let kernel = if kernel == GLOBAL { [x_dims[1], x_dims[2]] } else { kernel };
                let output = |i: usize| {
                    (x_dims[1 + i] + pad[i] + pad_end[i] - (kernel[i] - 1) * dilation[i] - 1) / stride[i] + 1
                };
                let mut bench = Bench::new();
                let halo = Halo { top: halo, left: halo, bottom: halo, right: halo };
                let (x_id, x) = bench.tensor(&x_dims, halo);
                bench.set(element(&x, 0, x_dims[1] - 1, 2, 1), f32::NAN);
                bench.set(element(&x, 0, 0, 0, 0), -0.0);
                let (y_id, y) = bench.tensor(&[x_dims[0], output(0), output(1), x_dims[3]], halo);
                let params = step::Pool { kernel, stride, dilation, pad, pad_end, op };
                bench.step(Kind::Pool, &[Some(x_id)], y_id, &params);
                let mut memory = Memory(bench.arena.clone());
                reference::pool(&mut memory, &params, &x, &y);
                bench.expect(&format!("{params:?} over {x_dims:?}, {halo:?}"), &memory.0);
            }
        }
    }
}
