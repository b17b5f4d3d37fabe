//! Copies, fills and halos.

use mote_abi::DType;
use mote_plan::{Halo, Kind, step};

use crate::bench::Bench;

fn eight<T: Default + Copy>(values: &[T]) -> [T; 8] {
    std::array::from_fn(|i| values.get(i).copied().unwrap_or_default())
}

#[test]
fn copies_between_any_boxes_agree() {
    // Extents, first element and strides of the source, first element and strides of the destination.
    type Case = (&'static str, Vec<u32>, u32, Vec<i32>, u32, Vec<i32>);
    let cases: [Case; 10] = [
        ("dense", vec![3, 50], 0, vec![50, 1], 0, vec![50, 1]),
        ("one element", vec![1], 5, vec![1], 7, vec![1]),
        ("channels to the back", vec![5, 6, 3], 0, vec![6, 1, 30], 0, vec![18, 3, 1]),
        ("channels to the front", vec![5, 6, 3], 0, vec![18, 3, 1], 0, vec![6, 1, 30]),
        ("transposed", vec![17, 19], 0, vec![1, 17], 0, vec![19, 1]),
        ("into a frame", vec![4, 9], 0, vec![9, 1], 14, vec![13, 1]),
        ("reversed", vec![20], 19, vec![-1], 0, vec![1]),
        ("rows reversed", vec![4, 40], 120, vec![-40, 1], 0, vec![40, 1]),
        ("repeated", vec![6, 7, 2], 3, vec![2, 0, 1], 0, vec![14, 2, 1]),
        ("every third", vec![30], 1, vec![3], 0, vec![1]),
    ];
    for (what, extent, from, from_stride, to, to_stride) in cases {
        for dtype in [DType::U8, DType::I16, DType::F32, DType::I64] {
            let size = dtype.size() as usize;
            let mut bench = Bench::new();
            let (x_id, x) = bench.typed(dtype, &[400], Halo::NONE);
            let (y_id, y) = bench.typed(dtype, &[400], Halo::NONE);
            let mut extents = [1; 8];
            extents[..extent.len()].copy_from_slice(&extent);
            let params = step::Copy {
                rank: extent.len() as u32,
                extent: extents,
                from,
                from_stride: eight(&from_stride),
                to,
                to_stride: eight(&to_stride),
            };
            bench.step(Kind::Copy, &[Some(x_id)], y_id, &params);
            let mut expected = bench.arena.clone();
            for index in 0..extent.iter().product::<u32>() {
                let (mut rest, mut source, mut target) = (index, i64::from(from), i64::from(to));
                for axis in (0..extent.len()).rev() {
                    let at = i64::from(rest % extent[axis]);
                    rest /= extent[axis];
                    source += at * i64::from(from_stride[axis]);
                    target += at * i64::from(to_stride[axis]);
                }
                let (source, target) =
                    (x.offset as usize + source as usize * size, y.offset as usize + target as usize * size);
                expected.copy_within(source..source + size, target);
            }
            bench.expect(&format!("{what}, {dtype}"), &expected);
        }
    }
}

#[test]
fn fills_repeat_the_element_over_the_storage() {
    for dtype in DType::ALL {
        for element in [[0, 0], [0x0101_0101, 0x0101_0101], [0x0403_0201, 0x0807_0605]] {
            for count in [1, 7, 50] {
                let mut bench = Bench::new();
                let (id, y) = bench.typed(dtype, &[count], Halo::NONE);
                bench.step(Kind::Fill, &[], id, &step::Fill { element });
                let mut expected = bench.arena.clone();
                let raw: Vec<u8> = element.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
                let size = dtype.size() as usize;
                for slot in expected[y.offset as usize..(y.offset + y.bytes) as usize].chunks_exact_mut(size) {
                    slot.copy_from_slice(&raw[..size]);
                }
                bench.expect(&format!("{count} of {dtype}"), &expected);
            }
        }
    }
}

#[test]
fn halos_are_zeroed_and_elements_left() {
    let halos = [
        Halo::NONE,
        Halo { top: 1, left: 1, bottom: 1, right: 1 },
        Halo { top: 0, left: 0, bottom: 1, right: 1 },
        Halo { top: 0, left: 3, bottom: 0, right: 2 },
        Halo { top: 2, left: 0, bottom: 1, right: 0 },
    ];
    for halo in halos {
        for (dtype, dims) in [
            (DType::F32, [2, 4, 5, 3]),
            (DType::U8, [1, 3, 2, 7]),
            (DType::F32, [1, 1, 1, 300]),
            (DType::I16, [1, 5, 1, 1]),
        ] {
            let mut bench = Bench::new();
            let (id, y) = bench.typed(dtype, &dims, halo);
            bench.halo(id);
            let mut expected = bench.arena.clone();
            let size = dtype.size() as usize;
            let strides = y.strides();
            let mut kept = vec![false; y.bytes as usize];
            for (n, h, w, c) in crate::bench::boxes(dims[0], dims[1], dims[2], dims[3]) {
                let at = (y.start() + n * strides[0] + h * strides[1] + w * strides[2] + c) as usize * size;
                kept[at..at + size].fill(true);
            }
            for (byte, kept) in expected[y.offset as usize..].iter_mut().zip(kept) {
                if !kept {
                    *byte = 0;
                }
            }
            bench.expect(&format!("{halo:?} of {dims:?}, {dtype}"), &expected);
        }
    }
}
