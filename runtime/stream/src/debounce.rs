//! Decisions that do not flicker.

use crate::StreamError;

/// The most votes that are remembered.
pub const MAX_VOTES: usize = 32;

/// When a decision changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    needed: usize,
    of: usize,
    enter: f32,
    leave: f32,
}

impl Rule {
    /// A label is decided when it has `needed` of the last `of` votes, a majority.
    ///
    /// # Errors
    /// [`StreamError::BadRule`] unless `of / 2 < needed <= of <= MAX_VOTES`.
    pub const fn new(needed: usize, of: usize) -> Result<Self, StreamError> {
        if needed == 0 || needed > of || of > MAX_VOTES || needed * 2 <= of {
            return Err(StreamError::BadRule);
        }
        Ok(Self { needed, of, enter: f32::NEG_INFINITY, leave: f32::NEG_INFINITY })
    }

    /// A new label votes from a score of `enter` on, the decided one keeps voting down to `leave`.
    #[must_use]
    pub const fn with_hysteresis(self, enter: f32, leave: f32) -> Self {
        Self { enter, leave, ..self }
    }
}

/// A decision that changed; `None` is "undecided".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// Before.
    pub from: Option<usize>,
    /// After.
    pub to: Option<usize>,
}

/// Turns one label per window into decisions.
#[derive(Debug, Clone)]
pub struct Debounce {
    rule: Rule,
    votes: [Option<usize>; MAX_VOTES],
    /// Votes that have been cast, up to `rule.of`.
    cast: usize,
    next: usize,
    decided: Option<usize>,
}

impl Debounce {
    /// Undecided, without a vote.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self { rule, votes: [None; MAX_VOTES], cast: 0, next: 0, decided: None }
    }

    /// What is decided.
    #[must_use]
    pub fn decided(&self) -> Option<usize> {
        self.decided
    }

    /// Takes the winner of a window with its score (or its margin, if the rule is in margins).
    pub fn label(&mut self, label: usize, score: f32) -> Option<Change> {
        let threshold = self.threshold(label);
        self.vote((score >= threshold).then_some(label))
    }

    /// Takes a window with a single score, such as an anomaly's: label 1 from the threshold on, else 0.
    /// NaN is no opinion.
    pub fn level(&mut self, score: f32) -> Option<Change> {
        let high = usize::from(score >= self.threshold(1));
        self.vote((!score.is_nan()).then_some(high))
    }

    /// Takes a window without an opinion: flagged, failed, or not predicted on. Enough of these make the
    /// decision "undecided".
    pub fn abstain(&mut self) -> Option<Change> {
        self.vote(None)
    }

    fn threshold(&self, label: usize) -> f32 {
        if self.decided == Some(label) { self.rule.leave } else { self.rule.enter }
    }

    fn vote(&mut self, vote: Option<usize>) -> Option<Change> {
        if let Some(slot) = self.votes.get_mut(self.next) {
            *slot = vote;
        }
        self.next = (self.next + 1) % self.rule.of;
        self.cast = self.rule.of.min(self.cast + 1);
        let same = self.votes.iter().take(self.cast).filter(|&&other| other == vote).count();
        // Only the vote just cast can have reached the number.
        if same < self.rule.needed || vote == self.decided {
            return None;
        }
        let from = core::mem::replace(&mut self.decided, vote);
        Some(Change { from, to: vote })
    }
}
