//! The guest image: the cold kernels as one checked WebAssembly module, embedded at build time.
//!
//! Knows nothing of Plans or hosts. [`image`] is the entry point; [`check`] is what the image had to pass, and what
//! tests hold hostile modules against. Nobody else builds or reads the file: weld receives its bytes as an argument.

mod check;

pub use check::{Facts, ImageError, MAX_RODATA_BYTES, check};

/// The checked module and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct GuestImage {
    /// The module's bytes.
    pub wasm: &'static [u8],
    /// SHA-256 of `wasm`; a Card states it, so that equal digests promise equal module bytes.
    pub digest: [u8; 32],
    /// The exported kernels' names, prefix included, ascending.
    pub kernels: &'static [&'static str],
    /// First address above stack and statics: a Plan may be placed from here on.
    pub heap_base: u32,
    /// Bytes of the module's own data segment, at most [`MAX_RODATA_BYTES`].
    pub rodata_bytes: usize,
}

/// The image this program was built with.
pub fn image() -> &'static GuestImage {
    static IMAGE: GuestImage = include!(concat!(env!("OUT_DIR"), "/image.rs"));
    &IMAGE
}
