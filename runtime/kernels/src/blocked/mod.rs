//! The same sums in the same order, several outputs at once: accumulators in fixed arrays that become vector registers on
//! x86-64, aarch64 and wasm. Bits equal those of `scalar/`.

pub mod conv;
pub mod depthwise;
pub mod mat_mul;
pub mod mat_mul_f64;
pub mod pool;
pub mod quantized;
pub mod recurrent;
pub mod softmax;
