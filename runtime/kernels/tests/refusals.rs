//! Shapes that contradict their slices are refused, and nothing panics on absurd ones.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_abi::op;
use mote_kernels::select::{self as kernel, Operand};
use mote_kernels::{Around, Clamp, Floats, Image, KernelError, Layout, Window};
use proptest::prelude::*;

const SHAPE: Result<(), KernelError> = Err(KernelError::Shape);

fn square(side: u32, channels: u32) -> (Image, usize) {
    let layout = Layout::dense(&[1, side, side, channels]).unwrap();
    (Image::new(&layout, layout.count()).unwrap(), layout.count())
}

#[test]
fn a_convolution_needs_whole_panels() {
    let ((x, x_len), (y, y_len)) = (square(4, 3), square(4, 5));
    let window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0, 0] };
    let run = |window: Window, weights: usize, bias: usize| {
        let shape = kernel::Conv { x, y, residual: y, window, clamp: Clamp::NONE };
        kernel::conv(&shape, &vec![0.0; x_len], &vec![0.0; weights], &vec![0.0; bias], None, &mut vec![0.0; y_len])
    };
    assert_eq!(run(window, 24, 8), Ok(()));
    assert_eq!(run(window, 15, 8), SHAPE);
    assert_eq!(run(window, 24, 5), SHAPE);
    assert_eq!(run(Window { kernel: [2, 1], ..window }, 24, 8), SHAPE);
    assert_eq!(run(Window { stride: [0, 1], ..window }, 24, 8), SHAPE);
    assert_eq!(run(Window { pad: [u32::MAX, 0], ..window }, 24, 8), SHAPE);
}

#[test]
fn layouts_know_their_reach() {
    assert_eq!(Layout::dense(&[3, 4]).unwrap().fits(12), Ok(()));
    assert_eq!(Layout::dense(&[3, 4]).unwrap().fits(11), SHAPE);
    assert_eq!(Layout::strided(&[3], &[-2], 4).unwrap().fits(5), Ok(()));
    assert_eq!(Layout::strided(&[3], &[-2], 3).unwrap().fits(5), SHAPE);
    assert_eq!(Layout::strided(&[0, 9], &[7, 7], 99).unwrap().fits(0), Ok(()), "no elements reach nowhere");
    assert!(Layout::dense(&[1; 9]).is_err());
    assert!(Layout::dense(&[u32::MAX, u32::MAX]).is_err());
    assert_eq!(Layout::dense(&[0, u32::MAX, u32::MAX]).unwrap().count(), 0);
}

proptest! {
    #[test]
    fn absurd_boxes_are_refused_or_copied(
        dims in prop::collection::vec(prop_oneof![0_u32..5, any::<u32>()], 0..8),
        from in prop::collection::vec(prop_oneof![-4_i32..5, any::<i32>()], 8),
        to in prop::collection::vec(prop_oneof![-4_i32..5, any::<i32>()], 8),
        starts in (0_u32..20, 0_u32..20),
        size in prop_oneof![Just(1_usize), Just(2), Just(4), Just(8)],
    ) {
        let from = Layout::strided(&dims, &from[..dims.len()], starts.0).unwrap();
        let to = Layout::strided(&dims, &to[..dims.len()], starts.1).unwrap();
        let (x, mut y) = (vec![1_u8; 40 * size], vec![0_u8; 30 * size]);
        let result = kernel::copy(size, &x, &from, &mut y, &to);
        prop_assert_eq!(result.is_ok(), from.fits(40).is_ok() && to.fits(30).is_ok() && to.count() <= 30);
    }

    #[test]
    fn absurd_windows_are_refused_or_pooled(
        sizes in (0_u32..6, 0_u32..6, 0_u32..6, 0_u32..6),
        numbers in prop::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 10),
    ) {
        let image = |h, w| {
            let layout = Layout::dense(&[1, h, w, 9]).unwrap();
            (Image::new(&layout, layout.count()).unwrap(), layout.count())
        };
        let ((x, x_len), (y, y_len)) = (image(sizes.0, sizes.1), image(sizes.2, sizes.3));
        let pair = |i: usize| [numbers[i], numbers[i + 1]];
        let window = Window { kernel: pair(0), stride: pair(2), dilation: pair(4), pad: pair(6) };
        for &op in op::Pool::ALL {
            let shape = kernel::Pool { x, y, window, pad_end: pair(8), op };
            let _ = kernel::pool(&shape, &vec![1.0; x_len], &mut vec![0.0; y_len]);
        }
    }

    #[test]
    fn absurd_broadcasts_are_refused_or_computed(
        a in prop::collection::vec(0_u32..4, 0..5),
        b in prop::collection::vec(0_u32..4, 0..5),
        y in prop::collection::vec(0_u32..4, 0..5),
    ) {
        let layouts = [&a, &b, &y].map(|dims| Layout::dense(dims).unwrap());
        let data = layouts.map(|layout| vec![2.0_f32; layout.count()]);
        let mut result = data[2].clone();
        let left = Operand { data: Some(data[0].as_slice()), layout: &layouts[0] };
        let right = Operand { data: Some(data[1].as_slice()), layout: &layouts[1] };
        let mut out = Floats::Numbers(result.as_mut_slice());
        let done = kernel::binary::<f32, [f32], _>(op::Binary::Mul, &left, &right, &mut out, &layouts[2]);
        let fits = |dims: &[u32]| {
            dims.len() <= y.len() && dims.iter().rev().zip(y.iter().rev()).all(|(d, y)| d == y || *d == 1)
        };
        prop_assert_eq!(done.is_ok(), fits(&a) && fits(&b));
        prop_assert!(done.is_err() || result.iter().all(|v| *v == 4.0));
    }

    #[test]
    fn any_two_lengths_are_refused_or_reduced(outer in 0_usize..4, len in 0_usize..20, inner in 0_usize..4, other in 0_usize..60) {
        let shape = Around { outer, len, inner };
        let x = vec![0.5_f32; shape.count()];
        let done = kernel::softmax(&shape, kernel::Scale::Linear, &x, &mut vec![0.0; other]);
        prop_assert_eq!(done.is_ok(), other == shape.count());
    }
}
