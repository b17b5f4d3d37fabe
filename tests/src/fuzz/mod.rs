//! Mutated inputs for the five doors through which other people's bytes come in.
//!
//! Each target starts from valid seeds and knows the structure of what it changes, so that many inputs pass the first
//! parse and reach what lies behind it. Everything follows from one number: equal seeds give equal inputs.

mod bytes;
mod import;
mod items;
mod pickle;
mod plan;
mod random;
mod seal;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use random::Random;

/// The largest input that is tried, in bytes.
const MAX_INPUT: usize = 1 << 20;

/// A door, and how to knock at it.
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    seeds: Vec<Vec<u8>>,
    /// A changed copy of a seed; the second is another seed to borrow from.
    mutate: fn(&mut Random, &[u8], &[u8]) -> Vec<u8>,
    /// Whether the first parse took the input. Panics where something behind it is wrong.
    enter: fn(&[u8]) -> bool,
}

/// What a run amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Inputs tried.
    pub executions: u64,
    /// Inputs that the first parse took.
    pub passed: u64,
}

impl Tally {
    /// Part of the inputs that the first parse took.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.executions == 0 { 0.0 } else { self.passed as f64 / self.executions as f64 }
    }
}

/// An input that made a door panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The input.
    pub input: Vec<u8>,
    /// What the panic said.
    pub message: String,
    /// How many inputs came before it.
    pub after: u64,
}

/// The least part of inputs that has to pass the first parse: below it the mutations only knock.
pub const LEAST_SHARE: f64 = 0.2;

impl Target {
    /// The names of all targets.
    pub const NAMES: [&'static str; 5] = ["import", "pickle", "plan", "seal", "wire"];

    /// The target of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "import" => Some(import::target()),
            "pickle" => Some(pickle::target()),
            "plan" => Some(plan::target()),
            "seal" => Some(seal::target()),
            "wire" => Some(wire::target()),
            _ => None,
        }
    }

    /// Tries every seed as it is, then mutations while `more` says so of the number tried.
    ///
    /// # Errors
    /// The first input that panics.
    pub fn run(&self, seed: u64, mut more: impl FnMut(u64) -> bool) -> Result<Tally, Box<Finding>> {
        let mut tally = Tally::default();
        for input in &self.seeds {
            assert!(self.knock(input, &mut tally)?, "a seed of {} does not pass", self.name);
        }
        let mut random = Random::new(seed);
        while more(tally.executions) {
            let (from, other) = (random.pick(&self.seeds), random.pick(&self.seeds));
            let mut input = (self.mutate)(&mut random, from, other);
            input.truncate(MAX_INPUT);
            self.knock(&input, &mut tally)?;
        }
        Ok(tally)
    }

    fn knock(&self, input: &[u8], tally: &mut Tally) -> Result<bool, Box<Finding>> {
        let entered = catch_unwind(AssertUnwindSafe(|| (self.enter)(input)));
        let passed = entered.map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let message = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned();
            Box::new(Finding { input: input.to_vec(), message, after: tally.executions })
        })?;
        tally.executions += 1;
        tally.passed += u64::from(passed);
        Ok(passed)
    }
}
