//! Writes a Plan as a WebAssembly module: hot operators as code shaped to each layer, the rest linked from the guest image.
//!
//! Knows nothing of ONNX, signatures or engines. Start at [`module`]; [`check::module`] is what a host asks before it
//! runs one, [`Card::read`] what anybody asks to learn what it is. The boundary is specified in DESIGN section 7, the
//! arithmetic in `kernels/ORDER.md`.
//!
//! ```text
//! linear memory:  [statics and stack of linked kernels][Plan][arena]        min = max pages, parts on multiples of 64
//! exports:        memory, mote_abi = 1, mote_infer(entry) -> status          imports: none
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

pub mod card;
pub mod check;
mod emit;
mod error;
mod flavour;
mod link;
mod memory;
mod module;
mod program;
mod section;

pub use card::{Card, CardError};
pub use error::{ImageFault, WeldError};
pub use flavour::{Flavour, Profile, Tuning, UnknownFlavour};
pub use module::module;
pub use section::{PlanInError, plan_in};

/// The guest image: every cold kernel as one export. An argument, so that weld depends on no build of it.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// The image's bytes. Read only where a Plan needs a cold kernel.
    pub wasm: &'a [u8],
    /// SHA-256 of the bytes; the Card states it.
    pub digest: [u8; 32],
}
