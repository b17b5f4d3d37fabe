//! The one place that asks for the target: vectors of four floats and of eight small integers, and correctly rounded square roots.
#![cfg_attr(
    not(all(target_arch = "wasm32", target_feature = "simd128")),
    allow(unsafe_code, reason = "instructions of the target")
)]

#[cfg(target_endian = "big")]
compile_error!("a Plan's numbers are read in place: Mote needs a little-endian target");

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(all(target_arch = "wasm32", target_feature = "simd128"), path = "wasm32.rs")]
#[cfg_attr(all(target_arch = "arm", target_abi = "eabihf"), path = "vfp.rs")]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128"),
        all(target_arch = "arm", target_abi = "eabihf")
    )),
    path = "plain.rs"
)]
mod target;

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod portable;
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
#[cfg_attr(
    all(target_arch = "arm", target_abi = "eabihf"),
    allow(dead_code, reason = "the unit has an instruction for one of the two")
)]
mod soft;

pub(crate) use target::{F32x4, I16x8, I32x4, TILE};

/// Square root, correctly rounded.
pub(crate) fn sqrt_f32(x: f32) -> f32 {
    target::sqrt_f32(x)
}

/// Square root, correctly rounded.
pub(crate) fn sqrt_f64(x: f64) -> f64 {
    target::sqrt_f64(x)
}

#[cfg(test)]
mod tests {
    use super::{F32x4, portable, soft, target};

    #[test]
    fn software_equals_hardware() {
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let edges = [0, 1, 2, 3, 0x000F_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000, 0x7FEF_FFFF_FFFF_FFFF, 1 << 63];
        for round in 0..200_000_u64 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let bits = edges.get(round as usize).copied().unwrap_or(seed);
            let (single, double) = (f32::from_bits((bits >> 32) as u32), f64::from_bits(bits));
            assert!(same32(soft::sqrt_f32(single), target::sqrt_f32(single)), "{single:e}");
            assert!(same64(soft::sqrt_f64(double), target::sqrt_f64(double)), "{double:e}");
            let small = f32::from_bits((bits >> 41) as u32);
            assert!(same32(soft::sqrt_f32(small), target::sqrt_f32(small)), "{small:e}");
        }
    }

    #[test]
    fn registers_equal_arrays() {
        let values = [[1.5, -0.0, f32::MAX, 1e-40], [0.1, 3.0, 1e38, -1e-3], [7.0, -7.0, 2.0, 1e-42]];
        let [a, b, c] = &values;
        for (a, b, c) in [(a, b, c), (b, c, a), (c, a, b), (a, a, b), (b, b, b), (c, c, a)] {
            let fast = F32x4::load(a).add_product(F32x4::load(b), F32x4::load(c)).to_array();
            let slow =
                portable::F32x4::load(a).add_product(portable::F32x4::load(b), portable::F32x4::load(c)).to_array();
            assert_eq!(fast.map(f32::to_bits), slow.map(f32::to_bits));
            assert_eq!(F32x4::splat(a[0]).to_array(), portable::F32x4::splat(a[0]).to_array());
        }
    }

    #[test]
    fn integer_registers_equal_arrays() {
        let bytes = [0, 255, 128, 7];
        let weights = [-128, 127, 0, 1, -1, 77, -77, 5];
        for (flip, origin) in [(0, 0), (0x8080_8080, 128), (0x8080_8080, 0), (0, 255)] {
            let fast = target::I16x8::twice(bytes, flip).sub(target::I16x8::splat(origin));
            let slow = portable::I16x8::twice(bytes, flip).sub(portable::I16x8::splat(origin));
            let fast = target::I32x4::ZERO.add_dot(fast, target::I16x8::widen(&weights));
            let slow = portable::I32x4::ZERO.add_dot(slow, portable::I16x8::widen(&weights));
            assert_eq!(fast.to_array(), slow.to_array());
        }
        let sum = portable::I32x4::ZERO.add_dot(portable::I16x8::twice(bytes, 0), portable::I16x8::widen(&weights));
        assert_eq!(sum.to_array(), [255 * 127, 7, 255 * 77, 128 * -77 + 7 * 5]);
    }

    fn same32(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }

    fn same64(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }
}
