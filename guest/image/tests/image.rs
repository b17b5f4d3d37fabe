//! The embedded image is what it says it is.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_abi::KERNEL_PREFIX;
use mote_guest_image::{check, image};
use mote_plan::Kind;
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
fn every_kind_of_step_has_its_kernel() {
    let mut expected: Vec<String> = Kind::ALL.iter().map(|kind| format!("{KERNEL_PREFIX}{}", kind.name())).collect();
    expected.sort_unstable();
    assert_eq!(image().kernels, expected);
}
