//! Every answer is entered here: whether each window was answered exactly once, by which version, and how often rightly.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::recording::{Device, Recording};

/// One published answer, as far as it is checked.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    seq: u64,
    version: u64,
    label: Option<String>,
}

/// Right answers among those to windows that have a truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    pub(super) right: u32,
    pub(super) of: u32,
}

/// The first window that another version answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) device: String,
    pub(super) from: u64,
    pub(super) to: u64,
    /// The number of that window's last sample.
    pub(super) at: u64,
}

/// The answers to all devices.
pub(super) struct Ledger {
    recording: Arc<Recording>,
    tracks: BTreeMap<String, Track>,
    pub(super) swaps: Vec<Swap>,
    /// Windows without an answer, that were followed by one.
    pub(super) missing: u64,
    /// Answers to windows that had one.
    pub(super) repeated: u64,
}

/// The answers to one device.
struct Track {
    /// The number of the next window's last sample.
    next: u64,
    version: Option<u64>,
    /// Windows that each version answered, and the score of the first full cycle of them.
    versions: BTreeMap<u64, (u64, Score)>,
    exercise: Option<Exercise>,
}

/// What is being worn through.
struct Exercise {
    truth: String,
    score: Score,
}

impl Score {
    /// The part that is right; 0 of nothing.
    pub(super) fn part(self) -> f64 {
        if self.of == 0 { 0.0 } else { f64::from(self.right) / f64::from(self.of) }
    }

    fn add(&mut self, right: bool) {
        self.right += u32::from(right);
        self.of += 1;
    }
}

impl Ledger {
    pub(super) fn new(recording: Arc<Recording>) -> Self {
        let first = recording.first_window();
        let track = |device: &Device| {
            let fresh = Track { next: first, version: None, versions: BTreeMap::new(), exercise: None };
            (device.name.clone(), fresh)
        };
        let tracks = recording.devices.iter().map(track).collect();
        Self { recording, tracks, swaps: Vec::new(), missing: 0, repeated: 0 }
    }

    /// Enters an answer and says what is worth telling. Answers to other devices are none of this ledger's.
    pub(super) fn enter(&mut self, device: &str, answer: &Answer) -> Vec<String> {
        let recording = Arc::clone(&self.recording);
        let (Some(track), Some(recorded)) = (self.tracks.get_mut(device), recording.device(device)) else {
            return Vec::new();
        };
        let mut told = Vec::new();
        if answer.seq < track.next {
            self.repeated += 1;
            return told;
        }
        self.missing += (answer.seq - track.next) / recording.hop;
        track.next = answer.seq + recording.hop;

        if let Some(from) = track.version.filter(|&version| version != answer.version) {
            let before = answer.seq - recording.hop;
            let (to, at) = (answer.version, answer.seq);
            told.push(format!(
                "{device:<9} swapped: version {from} answered up to sample {before}, version {to} from {at} on"
            ));
            self.swaps.push(Swap { device: device.into(), from, to, at });
        }
        track.version = Some(answer.version);

        let truth = recording.truth(recorded, answer.seq);
        let (windows, score) = track.versions.entry(answer.version).or_default();
        *windows += 1;
        let right = truth.is_some() && truth == answer.label.as_deref();
        // One cycle holds each window of the recording once, wherever it starts; more would count some twice.
        if truth.is_some() && *windows <= recording.cycle(recorded) {
            score.add(right);
        }
        let exercise = match (truth, &mut track.exercise) {
            (Some(truth), Some(exercise)) if exercise.truth == truth => {
                exercise.score.add(right);
                None
            }
            (Some(truth), exercise) => {
                let mut score = Score::default();
                score.add(right);
                exercise.replace(Exercise { truth: truth.into(), score })
            }
            (None, exercise) => exercise.take(),
        };
        if let Some(Exercise { truth, score }) = exercise {
            let running = self.score(answer.version);
            told.push(format!(
                "{device:<9} v{} {truth:<20} {:>2} of {:>2} windows right   accuracy so far {:.3}",
                answer.version,
                score.right,
                score.of,
                running.part()
            ));
        }
        told
    }

    /// The score of a version over all devices, of one cycle at most.
    pub(super) fn score(&self, version: u64) -> Score {
        let scores = self.tracks.values().filter_map(|track| track.versions.get(&version));
        scores.fold(Score::default(), |sum, (_, score)| Score { right: sum.right + score.right, of: sum.of + score.of })
    }

    /// Whether a version has answered so many windows of every device.
    pub(super) fn has_seen(&self, version: u64, windows: impl Fn(&Device) -> u64) -> bool {
        let enough = |device: &Device| {
            let seen = self.tracks.get(&device.name).and_then(|track| track.versions.get(&version));
            seen.is_some_and(|&(seen, _)| seen >= windows(device))
        };
        self.recording.devices.iter().all(enough)
    }

    /// Windows answered.
    pub(super) fn answered(&self) -> u64 {
        self.tracks.values().flat_map(|track| track.versions.values()).map(|(windows, _)| windows).sum()
    }

    /// Whether every window that ends below these sample counts, one for each device in order, has its answer.
    pub(super) fn is_complete(&self, sent: &[u64]) -> bool {
        let mut devices = self.recording.devices.iter().zip(sent);
        devices.all(|(device, &sent)| self.tracks.get(&device.name).is_some_and(|track| track.next >= sent))
    }
}

/// A ledger that others wait for.
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    changed: Condvar,
}

impl Shared {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self { ledger: Mutex::new(ledger), changed: Condvar::new() }
    }

    pub(super) fn read(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, device: &str, answer: &Answer) -> Vec<String> {
        let told = self.read().enter(device, answer);
        self.changed.notify_all();
        told
    }

    /// Waits until something holds; false if it does not within the time.
    pub(super) fn wait(&self, within: Duration, holds: impl Fn(&Ledger) -> bool) -> bool {
        let deadline = Instant::now() + within;
        let mut ledger = self.read();
        while !holds(&ledger) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            ledger = self.changed.wait_timeout(ledger, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::new(Arc::new(Recording::sample()))
    }

    fn answer(seq: u64, version: u64, label: &str) -> Answer {
        Answer { seq, version, label: Some(label.into()) }
    }

    /// The sample's windows end at 2, 4, 6, ...; the labels are aaaabbbb.
    #[test]
    fn gaps_and_repetitions_are_counted_and_swaps_are_named() {
        let mut ledger = ledger();
        for (seq, version) in [(2, 1), (4, 1), (4, 1), (8, 1), (10, 2)] {
            ledger.enter("d", &answer(seq, version, "a"));
        }
        assert_eq!((ledger.missing, ledger.repeated, ledger.answered()), (1, 1, 4));
        assert_eq!(ledger.swaps, [Swap { device: "d".into(), from: 1, to: 2, at: 10 }]);
        assert!(ledger.is_complete(&[12]) && !ledger.is_complete(&[13]));
        assert!(ledger.enter("unknown", &answer(2, 1, "a")).is_empty());
    }

    #[test]
    fn one_cycle_of_windows_counts_and_those_without_truth_do_not() {
        let mut ledger = ledger();
        for seq in (2..40).step_by(2) {
            ledger.enter("d", &answer(seq, 1, "a"));
        }
        assert_eq!(ledger.score(1), Score { right: 1, of: 2 });
        assert!(ledger.has_seen(1, |_| 19) && !ledger.has_seen(1, |_| 20) && !ledger.has_seen(2, |_| 1));
    }
}
