//! Where a device is in an update.

/// The states of the device's update machine, as they stand in twins and durable records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum UpdateState {
    /// Nothing is wanted that is not running.
    #[default]
    Idle = 0,
    /// An assignment has been accepted.
    Offered = 1,
    /// The release document is fetched and checked; no byte of the artifact has been asked for.
    Check = 2,
    /// Chunks of the artifact are fetched.
    Fetch = 3,
    /// The artifact is hashed.
    Verify = 4,
    /// The artifact is compiled, or written to its slot.
    Stage = 5,
    /// The golden vectors run.
    SelfTest = 6,
    /// The new model runs beside the old one and its answers are compared, not used.
    Shadow = 7,
    /// The new model answers, provisionally.
    Trial = 8,
    /// The new model has become the good one.
    Committed = 9,
    /// The old model is being put back.
    Rollback = 10,
    /// The release failed here, and is not tried again until the assignment's nonce changes.
    Failed = 11,
    /// The release or assignment was refused before anything was fetched.
    Rejected = 12,
    /// A newer assignment took this one's place.
    Superseded = 13,
    /// The device will update later; no failure.
    Deferred = 14,
}

impl UpdateState {
    /// All states, in the order of their codes.
    pub const ALL: [Self; 15] = [
        Self::Idle,
        Self::Offered,
        Self::Check,
        Self::Fetch,
        Self::Verify,
        Self::Stage,
        Self::SelfTest,
        Self::Shadow,
        Self::Trial,
        Self::Committed,
        Self::Rollback,
        Self::Failed,
        Self::Rejected,
        Self::Superseded,
        Self::Deferred,
    ];

    /// The state with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether the device stays here until something new is wanted.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Idle | Self::Committed | Self::Failed | Self::Rejected | Self::Superseded | Self::Deferred)
    }

    /// The word for people and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Offered => "offered",
            Self::Check => "check",
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Stage => "stage",
            Self::SelfTest => "self-test",
            Self::Shadow => "shadow",
            Self::Trial => "trial",
            Self::Committed => "committed",
            Self::Rollback => "rollback",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Deferred => "deferred",
        }
    }
}

impl core::fmt::Display for UpdateState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
