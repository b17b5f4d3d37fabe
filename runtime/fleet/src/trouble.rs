//! Why an update did not succeed.

use core::fmt;

use mote_seal::OpenError;

/// What went wrong, by the device's or its host's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// A document or artifact did not open.
    Open(OpenError),
    /// The state's deadline passed.
    Timeout,
    /// No chunk came for the stall budget, though connected.
    Stalled,
    /// The device started again too often in the middle of preparing the release.
    Crashed,
    /// The new model failed too often in its trial.
    TrialFailed,
    /// The new model gave too few answers in its trial to be believed.
    TrialSilent,
    /// The device started again too often during the trial.
    TrialBoots,
    /// Storage could not be written or read.
    Storage,
    /// The artifact is authentic, but the runtime refuses it.
    Unrunnable,
    /// A golden vector gave another answer.
    SelfTest,
    /// The new model's answers differ too much from the old one's.
    Disagrees,
    /// An inference takes longer than the release allows.
    TooSlow,
    /// Running it takes more memory than there is.
    OutOfMemory,
    /// An older version than the one that runs, and the assignment does not say rollback.
    Downgrade,
    /// The release is not the version that the assignment says.
    Mismatch,
    /// The artifact has more chunks than can be counted.
    TooManyChunks,
}

impl Trouble {
    /// The number in twins, events and records: those of [`OpenError::code`] are below 100.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Open(error) => error.code(),
            Self::Timeout => 100,
            Self::Stalled => 101,
            Self::Crashed => 102,
            Self::TrialFailed => 103,
            Self::TrialSilent => 104,
            Self::TrialBoots => 105,
            Self::Storage => 106,
            Self::Unrunnable => 107,
            Self::SelfTest => 108,
            Self::Disagrees => 109,
            Self::TooSlow => 110,
            Self::OutOfMemory => 111,
            Self::Downgrade => 112,
            Self::Mismatch => 113,
            Self::TooManyChunks => 114,
        }
    }
}

impl From<OpenError> for Trouble {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open(error) => return error.fmt(f),
            Self::Timeout => "the deadline passed",
            Self::Stalled => "no chunk came for too long",
            Self::Crashed => "the device kept restarting while preparing the release",
            Self::TrialFailed => "the new model failed in its trial",
            Self::TrialSilent => "the new model was not proved in time",
            Self::TrialBoots => "the device kept restarting during the trial",
            Self::Storage => "storage could not be written or read",
            Self::Unrunnable => "the runtime refuses the artifact",
            Self::SelfTest => "a golden vector gave another answer",
            Self::Disagrees => "the new model disagrees with the old one",
            Self::TooSlow => "an inference takes too long",
            Self::OutOfMemory => "not enough memory",
            Self::Downgrade => "an older version, and no rollback is ordered",
            Self::Mismatch => "the release is not the version that is assigned",
            Self::TooManyChunks => "the artifact has too many chunks",
        })
    }
}

impl core::error::Error for Trouble {}
