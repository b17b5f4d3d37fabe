//! Writes the module and the constants that `src/lib.rs` includes.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::check::Facts;

pub(crate) fn write(out: &Path, wasm: &[u8], facts: &Facts) -> io::Result<()> {
    fs::write(out.join("mote-guest.wasm"), wasm)?;
    fs::write(out.join("image.rs"), constants(wasm, facts))
}

fn constants(wasm: &[u8], facts: &Facts) -> String {
    let digest: [u8; 32] = Sha256::digest(wasm).into();
    let mut text = String::from("GuestImage {\n");
    let _ = writeln!(text, "    wasm: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/mote-guest.wasm\")),");
    let _ = writeln!(text, "    digest: {digest:?},");
    let _ = writeln!(text, "    kernels: &{:?},", facts.kernels);
    let _ = writeln!(text, "    heap_base: {},", facts.heap_base);
    let _ = writeln!(text, "    rodata_bytes: {},", facts.rodata_bytes);
    text.push_str("}\n");
    text
}
