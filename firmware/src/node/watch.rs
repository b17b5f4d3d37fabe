//! From a sample to an answer.

use mote_fleet::Outcomes;
use mote_stream::{Quality, top};

use super::{Node, Which};
use crate::answer::Answer;
use crate::capacity::ANSWERS;
use crate::model::Scores;
use crate::port::{Clock, Flash};

/// How one window went.
enum Watched {
    /// No window is complete, or no model is there to be asked.
    Nothing,
    /// The window holds a value that is not finite.
    Flagged,
    /// The model was asked; `None` if it gave no answer.
    Asked { scores: Option<Scores>, sequence: u64, latency_us: u32 },
}

impl<F: Flash> Node<'_, F> {
    /// Takes a sample, numbered by the ticks of its interval, and predicts when that completes a window.
    pub fn sample(&mut self, clock: &impl Clock, sequence: u64, sample: &[f32]) {
        match self.watch(clock, sequence, sample) {
            Watched::Nothing => {}
            Watched::Flagged => {
                self.fold.window().flagged();
                self.debounce.abstain();
            }
            Watched::Asked { scores, sequence, latency_us } => {
                let answer = scores.and_then(|scores| self.judge(&scores)).map(|judged| Answer {
                    sequence,
                    latency_us,
                    ..judged
                });
                self.tell(clock, answer);
            }
        }
    }

    /// The sensor gave nothing at this tick. The missing number makes the window start anew.
    pub fn no_sample(&mut self) {
        self.passed.samples = self.passed.samples.saturating_add(1);
    }

    fn watch(&mut self, clock: &impl Clock, sequence: u64, sample: &[f32]) -> Watched {
        // A sample of another length does not come from the sensor that boot looked at.
        let Ok(Some(window)) = self.windows.push(Some(sequence), sample) else { return Watched::Nothing };
        let Some(model) = self.active else { return Watched::Nothing };
        if window.quality() == Quality::NotFinite {
            return Watched::Flagged;
        }
        let start = clock.micros();
        let parts = self.store.parts(model.slot());
        let order = self.settings.sampling.order;
        let scores = parts.and_then(|parts| model.predict(parts.artifact, self.arena, &window, order).ok());
        let latency_us = u32::try_from(clock.micros().saturating_sub(start)).unwrap_or(u32::MAX);
        Watched::Asked { scores, sequence, latency_us }
    }

    /// What the scores say: the winning label of a classifier, or the level of a single score. `None` if they say
    /// nothing, such as NaN.
    fn judge(&mut self, scores: &[f32]) -> Option<Answer> {
        let model = self.active.as_ref()?;
        let (label, score, change) = match (scores, model.threshold()) {
            (&[score], _) if score.is_nan() => return None,
            (&[score], Some(threshold)) => {
                let high = usize::from(score >= threshold);
                (Some(high), score, self.debounce.label(high, score))
            }
            (&[score], None) => (None, score, None),
            (scores, _) => {
                let winner = top(scores)?;
                (Some(winner.label), winner.score, self.debounce.label(winner.label, winner.score))
            }
        };
        Some(Answer {
            sequence: 0,
            version: model.slot().version,
            label,
            score,
            decision: self.debounce.decided(),
            changed: change.is_some(),
            latency_us: 0,
        })
    }

    /// Telemetry, trial and subscribers hear of it.
    fn tell(&mut self, clock: &impl Clock, answer: Option<Answer>) {
        let Some(answer) = answer else {
            self.fold.window().failed();
            return self.outcome(clock.now(), Outcomes { answered: 0, failed: 1 });
        };
        self.fold.window().answered(answer.latency_us, answer.label);
        self.outcome(clock.now(), Outcomes { answered: 1, failed: 0 });
        let wanted = self.settings.answers.is_some_and(|answers| answers.which == Which::Every || answer.changed);
        if !wanted {
            return;
        }
        if self.answers.len() == ANSWERS {
            self.answers.pop_front();
            self.passed.answers = self.passed.answers.saturating_add(1);
        }
        // There is room for it.
        let _ = self.answers.push_back(answer);
    }
}
