//! The embedded image is what it says it is.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_abi::KERNEL_PREFIX;
use mote_engine::KERNEL_NAMES;
use mote_guest_image::{check, image};
use sha2::{Digest, Sha256};

#[test]
fn the_embedded_image_passes_its_own_check() {
    let image = image();
    let facts = check(image.wasm).unwrap();
    assert_eq!(facts.kernels, image.kernels);
    assert_eq!(facts.heap_base, image.heap_base);
    assert_eq!(facts.rodata_bytes, image.rodata_bytes);
}

#[test]
fn the_digest_is_of_the_bytes() {
    let image = image();
    let digest: [u8; 32] = Sha256::digest(image.wasm).into();
    assert_eq!(digest, image.digest);
}

#[test]
fn every_kernel_of_the_engine_is_exported_and_nothing_else() {
    let mut expected: Vec<String> = KERNEL_NAMES.iter().map(|name| format!("{KERNEL_PREFIX}{name}")).collect();
    expected.sort_unstable();
    assert_eq!(image().kernels, expected);
}
