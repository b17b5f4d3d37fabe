use mote_kernels::scalar::mat_mul::MatMul;
use mote_kernels::scalar::softmax::Scale;
use mote_kernels::{Around, blocked, scalar};

use crate::random::{Random, bits};

#[test]
fn softmaxes() {
    for len in 0..40 {
        for (outer, inner) in [(3, 1), (2, 5), (1, 1)] {
            for scale in [Scale::Linear, Scale::Log] {
                let shape = Around { outer, len, inner };
                let random = &mut Random::new(len as u64);
                for x in [random.plain(shape.count()), random.hostile(shape.count())] {
                    let (mut slow, mut fast) = (vec![7.0; x.len()], vec![7.0; x.len()]);
                    scalar::softmax::softmax(&shape, scale, &x, &mut slow).unwrap();
                    blocked::softmax::softmax(&shape, scale, &x, &mut fast).unwrap();
                    assert_eq!(bits(&slow), bits(&fast), "{shape:?} {scale:?}");
                }
            }
        }
    }
}

#[test]
fn matrix_products() {
    for (i, [m, k, n]) in [[1, 1, 1], [4, 8, 8], [5, 7, 9], [9, 3, 17], [3, 0, 5], [8, 16, 24]].into_iter().enumerate()
    {
        for (batch, one_a, one_b) in [(1, true, true), (3, false, false), (3, true, false), (3, false, true)] {
            let shape = MatMul { batch, m, k, n, one_a, one_b };
            let random = &mut Random::new(i as u64);
            let a = random.hostile(if one_a { 1 } else { batch } * m * k);
            let b = random.plain(if one_b { 1 } else { batch } * k * n);
            let (mut slow, mut fast) = (vec![7.0; batch * m * n], vec![7.0; batch * m * n]);
            scalar::mat_mul::mat_mul::<f32, [f32], [f32]>(&shape, &a, &b, &mut slow).unwrap();
            blocked::mat_mul::mat_mul(&shape, &a, &b, &mut fast).unwrap();
            assert_eq!(bits(&slow), bits(&fast), "{shape:?}");
        }
    }
}

#[test]
fn recurrent_chains() {
    for (columns, k) in [(1_usize, 1_usize), (8, 3), (24, 5), (30, 7), (7, 0)] {
        for first in [0, 3, 8, 10] {
            let random = &mut Random::new((columns * 31 + first) as u64);
            let w = random.plain((first + columns).div_ceil(8) * k * 8);
            let (x, start) = (random.hostile(k), random.plain(columns));
            let (mut slow, mut fast) = (start.clone(), start);
            scalar::recurrent::add_products(&mut slow, &x, &w, first);
            blocked::recurrent::add_products(&mut fast, &x, &w, first);
            assert_eq!(bits(&slow), bits(&fast), "{columns} columns of {k} from {first}");
        }
    }
}
