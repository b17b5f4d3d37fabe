//! The two keys that a fleet trusts.

use mote_seal::{Role, SigningKey, Standing};

/// The keys of one publisher.
pub struct Keys {
    /// Signs releases.
    pub release: SigningKey,
    /// Signs orders.
    pub assignment: SigningKey,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            release: SigningKey::from_seed(&[1; 32], Role::Release, Standing::Development),
            assignment: SigningKey::from_seed(&[2; 32], Role::Assignment, Standing::Development),
        }
    }
}

impl Keys {
    /// The text of the file of keys that a device trusts.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n", self.release.trusted(), self.assignment.trusted())
    }
}
