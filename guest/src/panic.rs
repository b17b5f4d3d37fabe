//! A panic in the sandbox is a trap: the host names it, the guest has nobody to tell.

#[panic_handler]
fn trap(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
