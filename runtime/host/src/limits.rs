use std::time::Duration;

use mote_seal::Release;

use crate::LoadError;

/// What one instance of a model may take. Checked before anything runs, against bounds that the Plan states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: u64,
    /// Upper bound of one call, in scalar operations.
    pub ops: u64,
    /// The time by which a call must be done. Derived code is refused beforehand where its bound says it may take
    /// longer; a foreign guest is stopped.
    pub deadline: Duration,
}

impl Default for Limits {
    /// 1 GiB, 10^12 operations, 10 minutes: what no model of a gateway needs and every machine survives.
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, ops: 1_000_000_000_000, deadline: Duration::from_secs(600) }
    }
}

impl Limits {
    /// The stricter of these limits and those of a release, where 0 means "not stated".
    #[must_use]
    pub fn tightened_by(self, release: &Release<'_>) -> Self {
        let stated = &release.limits;
        let stricter = |own: u64, stated: u64| if stated == 0 { own } else { own.min(stated) };
        let own = u64::try_from(self.deadline.as_micros()).unwrap_or(u64::MAX);
        Self {
            memory_bytes: stricter(self.memory_bytes, stated.memory_bytes),
            ops: stricter(self.ops, stated.operations),
            deadline: Duration::from_micros(stricter(own, stated.deadline_us)),
        }
    }

    /// Refuses what needs more memory or more operations.
    pub(crate) fn admit(&self, memory_bytes: u64, ops: u64) -> Result<(), LoadError> {
        if memory_bytes > self.memory_bytes {
            return Err(LoadError::TooMuchMemory { needed: memory_bytes, limit: self.memory_bytes });
        }
        if ops > self.ops {
            return Err(LoadError::TooManyOperations { needed: ops, limit: self.ops });
        }
        Ok(())
    }

    /// Refuses what may take longer than the deadline on a machine of this speed.
    pub(crate) fn admit_time(&self, ops: u64, ns_per_op: f64) -> Result<(), LoadError> {
        let needed = Duration::try_from_secs_f64(ops as f64 * ns_per_op * 1e-9).unwrap_or(Duration::MAX);
        if needed > self.deadline {
            return Err(LoadError::TooSlow { needed, deadline: self.deadline });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        let limits = Limits { memory_bytes: 100, ops: 10, deadline: Duration::from_millis(1) };
        assert!(limits.admit(100, 10).is_ok());
        assert!(matches!(limits.admit(101, 10), Err(LoadError::TooMuchMemory { needed: 101, limit: 100 })));
        assert!(matches!(limits.admit(100, 11), Err(LoadError::TooManyOperations { needed: 11, limit: 10 })));
        assert!(limits.admit_time(1_000, 1_000.0).is_ok());
        assert!(matches!(limits.admit_time(1_001, 1_000.0), Err(LoadError::TooSlow { .. })));
        assert!(matches!(limits.admit_time(u64::MAX, 1e300), Err(LoadError::TooSlow { .. })));
    }
}
