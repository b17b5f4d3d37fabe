//! When to try again: exponential, capped, jittered.

/// Milliseconds on the host's monotonic clock. Zero is the device's start; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment, later by `ms`.
    #[must_use]
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Draws delays that double from `base_ms` to `cap_ms`, each between half and the whole, so that devices
/// that fail together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    base_ms: u32,
    cap_ms: u32,
    attempt: u32,
    state: u64,
}

impl Backoff {
    /// `seed` must differ between devices.
    #[must_use]
    pub const fn new(base_ms: u32, cap_ms: u32, seed: u64) -> Self {
        Self { base_ms, cap_ms, attempt: 0, state: seed }
    }

    /// The next delay in milliseconds, at least 1.
    pub fn next_delay(&mut self) -> u64 {
        let doubled = u64::from(self.base_ms) << self.attempt.min(32);
        let whole = doubled.min(u64::from(self.cap_ms));
        self.attempt = self.attempt.saturating_add(1);
        let half = whole / 2;
        (half + self.draw() % (whole - half + 1)).max(1)
    }

    /// Success: the next delay starts from the base.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// A number to tell things apart by. Not a secret.
    pub(crate) fn draw(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood, 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}
