//! The vocabulary that both sides of the guest boundary share: export names, status codes, element types and operator codes.
//! Knows no behaviour and no format but that of an element. Start at [`Status`] and [`op`]. The boundary is specified in DESIGN section 7 and in the README's recipes.
#![no_std]
#![forbid(unsafe_code)]

mod dtype;
mod half;
pub mod op;
mod status;

pub use dtype::DType;
pub use half::Half;
pub use status::Status;

/// Version of the guest boundary; the value of the exported global [`EXPORT_ABI`].
pub const ABI_VERSION: i32 = 1;
/// The exported linear memory. Its minimum equals its maximum.
pub const EXPORT_MEMORY: &str = "memory";
/// The exported immutable `i32` global that holds [`ABI_VERSION`].
pub const EXPORT_ABI: &str = "mote_abi";
/// The exported function `(entry: i32) -> i32` that runs one entry and answers a [`Status`] code.
pub const EXPORT_INFER: &str = "mote_infer";
/// Prefix of the cold kernels that the guest image exports; the step kind's snake-case name follows.
pub const KERNEL_PREFIX: &str = "mote_k_";
/// Custom section that holds the Card, a JSON document.
pub const CARD_SECTION: &str = "mote.card";
/// Bytes of one WebAssembly page.
pub const PAGE_BYTES: u32 = 65_536;
