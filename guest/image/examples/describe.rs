//! Prints what the guest image is: digest, sizes, kernels. `cargo xtask guest` runs it.

use mote_guest_image::image;

fn main() {
    let image = image();
    let digest: String = image.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("sha256     {digest}");
    println!("module     {} bytes", image.wasm.len());
    println!("rodata     {} bytes", image.rodata_bytes);
    println!("heap base  {}", image.heap_base);
    println!("kernels    {}", image.kernels.len());
    for name in image.kernels {
        println!("  {name}");
    }
}
