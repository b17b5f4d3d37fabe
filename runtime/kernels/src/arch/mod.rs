//! The one place that asks for the target: correctly rounded square roots.
#![expect(unsafe_code, reason = "one instruction per target")]

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod soft;

#[cfg(target_endian = "big")]
compile_error!("a Plan's numbers are read in place: Mote needs a little-endian target");

/// Square root, correctly rounded.
pub(crate) fn sqrt_f32(x: f32) -> f32 {
    target::sqrt_f32(x)
}

/// Square root, correctly rounded.
pub(crate) fn sqrt_f64(x: f64) -> f64 {
    target::sqrt_f64(x)
}

#[cfg(target_arch = "x86_64")]
mod target {
    use core::arch::x86_64::{_mm_cvtsd_f64, _mm_cvtss_f32, _mm_set_sd, _mm_set_ss, _mm_sqrt_sd, _mm_sqrt_ss};

    #[inline]
    pub(super) fn sqrt_f32(x: f32) -> f32 {
        // SAFETY: SSE2 belongs to every x86-64.
        unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
    }

    #[inline]
    pub(super) fn sqrt_f64(x: f64) -> f64 {
        // SAFETY: SSE2 belongs to every x86-64.
        unsafe { _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(x), _mm_set_sd(x))) }
    }
}

#[cfg(target_arch = "aarch64")]
mod target {
    use core::arch::aarch64::{vdup_n_f32, vdup_n_f64, vget_lane_f32, vget_lane_f64, vsqrt_f32, vsqrt_f64};

    #[inline]
    pub(super) fn sqrt_f32(x: f32) -> f32 {
        // SAFETY: NEON belongs to every aarch64 target that Mote is built for.
        unsafe { vget_lane_f32::<0>(vsqrt_f32(vdup_n_f32(x))) }
    }

    #[inline]
    pub(super) fn sqrt_f64(x: f64) -> f64 {
        // SAFETY: NEON belongs to every aarch64 target that Mote is built for.
        unsafe { vget_lane_f64::<0>(vsqrt_f64(vdup_n_f64(x))) }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod target {
    use core::arch::wasm32::{
        f32x4_extract_lane, f32x4_splat, f32x4_sqrt, f64x2_extract_lane, f64x2_splat, f64x2_sqrt,
    };

    #[inline]
    pub(super) fn sqrt_f32(x: f32) -> f32 {
        f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(x)))
    }

    #[inline]
    pub(super) fn sqrt_f64(x: f64) -> f64 {
        f64x2_extract_lane::<0>(f64x2_sqrt(f64x2_splat(x)))
    }
}

// Cortex-M with a single precision unit; its doubles are computed in software.
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod target {
    pub(super) use super::soft::sqrt_f64;

    #[inline]
    pub(super) fn sqrt_f32(x: f32) -> f32 {
        let root: f32;
        // SAFETY: the hard-float ABI says that the unit is there; the instruction touches no memory and no flags.
        unsafe {
            core::arch::asm!("vsqrt.f32 {root}, {x}", root = out(sreg) root, x = in(sreg) x, options(pure, nomem, nostack));
        }
        root
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "wasm32", target_feature = "simd128"),
    all(target_arch = "arm", target_abi = "eabihf")
)))]
mod target {
    pub(super) use super::soft::{sqrt_f32, sqrt_f64};
}

#[cfg(test)]
mod tests {
    use super::{soft, target};

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

    fn same32(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }

    fn same64(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }
}
