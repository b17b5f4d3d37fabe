//! Brings devices to a release: orders it, watches the twins, and says how each device ended.
//!
//! An order must be newer than the last one that its device accepted, and only the device knows which that was. So a
//! device is given its order when its twin is seen, however late that is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mote_seal::{Digest, SignError, Stamp};
use mote_wire::{Failure, UpdateState};
use tokio::time::{Instant, timeout_at};

use crate::publisher::{DeviceTwin, OfferError, Publisher};

/// How long the retained twins of a fleet may take to arrive after the first, when every device is meant.
const MUSTER: Duration = Duration::from_secs(3);

/// Which devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Devices {
    /// These.
    Named(BTreeSet<String>),
    /// Every one whose twin is there when it starts or comes while others are under way, and that runs this model or none.
    Every,
}

/// What they shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// The model's name.
    pub model: String,
    /// SHA-256 of the signed release document.
    pub release: Digest,
    /// How long it may take in all.
    pub within: Duration,
}

/// How it ended for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The release is its good model.
    Committed,
    /// It tried or refused the release, and runs what it ran before.
    Failed {
        /// Where it is: failed, rejected or superseded.
        state: UpdateState,
        /// What it says about that.
        failure: Option<Failure>,
    },
    /// It did not accept the order.
    Refused {
        /// What it says about that.
        failure: Failure,
    },
    /// It accepted a newer order from somebody else.
    Overtaken,
    /// The time was over while it was here.
    Unfinished {
        /// Where it was.
        state: UpdateState,
    },
    /// It was never seen.
    Silent,
}

/// Why there are no ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// An order that cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// An order that the link does not take.
    #[error(transparent)]
    Offer(#[from] OfferError),
}

impl End {
    /// Whether the release is good there.
    #[must_use]
    pub fn is_committed(self) -> bool {
        self == Self::Committed
    }
}

/// One device that has its order.
struct Ordered {
    stamp: Stamp,
    /// Counts of refused and replayed documents before the order.
    refusals: (u32, u32),
    last: DeviceTwin,
    end: Option<End>,
}

/// Gives every device an order that `sign` makes of its name and stamp, and waits until each has ended or the time is
/// over. `see` is told of every twin that differs from the one before. The release must have been offered.
///
/// # Errors
/// See [`CampaignError`].
pub async fn bring(
    publisher: &Publisher,
    devices: &Devices,
    goal: &Goal,
    mut sign: impl FnMut(&str, Stamp) -> Result<Vec<u8>, SignError>,
    mut see: impl FnMut(&str, &DeviceTwin),
) -> Result<BTreeMap<String, End>, CampaignError> {
    let start = Instant::now();
    let mut twins = publisher.twins();
    let mut ordered: BTreeMap<String, Ordered> = BTreeMap::new();
    loop {
        let seen = twins.borrow_and_update().clone();
        for (device, twin) in seen {
            match ordered.get_mut(&device) {
                Some(order) if order.last == twin => {}
                Some(order) => {
                    see(&device, &twin);
                    order.end = order.end.or_else(|| judge(&twin, order, goal));
                    order.last = twin;
                }
                None if devices.include(&device, &twin, goal) => {
                    see(&device, &twin);
                    let stamp = Stamp { epoch: twin.stamp.0.max(1), generation: twin.stamp.1.saturating_add(1) };
                    let refusals = (twin.counters.refused, twin.counters.replayed);
                    let end = has(&twin, goal).then_some(End::Committed);
                    if end.is_none() {
                        publisher.assign(&device, sign(&device, stamp)?)?;
                    }
                    ordered.insert(device, Ordered { stamp, refusals, last: twin, end });
                }
                None => {}
            }
        }
        let done = ordered.values().all(|order| order.end.is_some());
        let until = match devices {
            Devices::Named(names) if done && names.len() == ordered.len() => break,
            Devices::Every if done && !ordered.is_empty() => (start + MUSTER).min(start + goal.within),
            _ => start + goal.within,
        };
        // The sender lives as long as the publisher.
        if timeout_at(until, twins.changed()).await.is_err() {
            break;
        }
    }
    let unfinished = |order: &Ordered| End::Unfinished { state: order.last.state };
    let ends = ordered.iter().map(|(device, order)| (device.clone(), order.end.unwrap_or_else(|| unfinished(order))));
    let mut ends: BTreeMap<String, End> = ends.collect();
    if let Devices::Named(names) = devices {
        names.iter().for_each(|name| _ = ends.entry(name.clone()).or_insert(End::Silent));
    }
    Ok(ends)
}

impl Devices {
    fn include(&self, device: &str, twin: &DeviceTwin, goal: &Goal) -> bool {
        match self {
            Self::Named(names) => names.contains(device),
            Self::Every => twin.running.as_ref().is_none_or(|(model, ..)| *model == goal.model),
        }
    }
}

fn has(twin: &DeviceTwin, goal: &Goal) -> bool {
    let runs = twin.running.as_ref().is_some_and(|(_, _, release)| *release == goal.release);
    runs && matches!(twin.state, UpdateState::Committed | UpdateState::Idle)
}

/// The end, if the twin says that it is one.
fn judge(twin: &DeviceTwin, order: &Ordered, goal: &Goal) -> Option<End> {
    let (accepted, mine) = (twin.stamp, (order.stamp.epoch, order.stamp.generation));
    if accepted > mine {
        return Some(End::Overtaken);
    }
    if accepted < mine {
        let refused = (twin.counters.refused, twin.counters.replayed) > order.refusals;
        return twin.failure.filter(|_| refused).map(|failure| End::Refused { failure });
    }
    match twin.state {
        UpdateState::Committed if has(twin, goal) => Some(End::Committed),
        state @ (UpdateState::Failed | UpdateState::Rejected | UpdateState::Superseded) => {
            Some(End::Failed { state, failure: twin.failure })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mote_wire::Counters;

    use super::*;

    fn twin(state: UpdateState, generation: u64, release: u8) -> DeviceTwin {
        DeviceTwin {
            boot: 1,
            sequence: 1,
            state,
            running: Some(("m".into(), 2, Digest([release; 32]))),
            stamp: (1, generation),
            floor: 0,
            progress: None,
            failure: None,
            counters: Counters::default(),
            class: 1,
            variant: "generic".into(),
        }
    }

    #[test]
    fn a_twin_is_judged_by_its_stamp_and_state() {
        let goal = Goal { model: "m".into(), release: Digest([7; 32]), within: Duration::from_secs(1) };
        let stamp = Stamp { epoch: 1, generation: 5 };
        let order = Ordered { stamp, refusals: (0, 0), last: twin(UpdateState::Idle, 4, 1), end: None };
        let failure = Failure { stage: UpdateState::Offered, code: 9, release: [0; 32] };
        let refused = DeviceTwin {
            failure: Some(failure),
            counters: Counters { refused: 1, ..Counters::default() },
            ..twin(UpdateState::Committed, 4, 1)
        };
        let failed = |state| Some(End::Failed { state, failure: None });
        for (twin, end) in [
            (twin(UpdateState::Committed, 4, 1), None),
            (refused, Some(End::Refused { failure })),
            (twin(UpdateState::Fetch, 5, 1), None),
            (twin(UpdateState::Trial, 5, 7), None),
            (twin(UpdateState::Committed, 5, 7), Some(End::Committed)),
            (twin(UpdateState::Rollback, 5, 1), None),
            (twin(UpdateState::Failed, 5, 1), failed(UpdateState::Failed)),
            (twin(UpdateState::Rejected, 5, 1), failed(UpdateState::Rejected)),
            (twin(UpdateState::Deferred, 5, 1), None),
            (twin(UpdateState::Committed, 6, 1), Some(End::Overtaken)),
        ] {
            assert_eq!(judge(&twin, &order, &goal), end, "{twin:?}");
        }
    }

    #[test]
    fn every_device_means_those_of_the_model() {
        let goal = Goal { model: "m".into(), release: Digest([7; 32]), within: Duration::from_secs(1) };
        let runs = twin(UpdateState::Idle, 0, 1);
        let empty = DeviceTwin { running: None, ..runs.clone() };
        let other = DeviceTwin { running: Some(("other".into(), 1, Digest([1; 32]))), ..runs.clone() };
        let named = Devices::Named(["a".to_owned()].into());
        for (devices, device, twin, included) in [
            (&Devices::Every, "b", &runs, true),
            (&Devices::Every, "b", &empty, true),
            (&Devices::Every, "b", &other, false),
            (&named, "a", &other, true),
            (&named, "b", &runs, false),
        ] {
            assert_eq!(devices.include(device, twin, &goal), included, "{device} {twin:?}");
        }
    }
}
