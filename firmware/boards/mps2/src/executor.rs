//! Runs one future. Between two polls the core sleeps until an interrupt: SysTick's period is the resolution of waiting.

use core::convert::Infallible;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

/// Polls after every interrupt. `after` is called after each poll.
pub fn run_forever<F: Future<Output = Infallible>>(future: F, mut after: impl FnMut()) -> ! {
    let mut future = pin!(future);
    // Nobody is woken in particular: an interrupt has everything polled.
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let Poll::Pending = future.as_mut().poll(&mut context);
        after();
        cortex_m::asm::wfi();
    }
}
