//! Model x host, with the digest of the outputs in each cell.

use std::fmt;

use crate::hosts::Absent;

/// See the file.
#[derive(Default)]
pub(crate) struct Table {
    /// The hosts' names, the reference first.
    pub(crate) hosts: Vec<&'static str>,
    pub(crate) absent: Vec<Absent>,
    pub(crate) rows: Vec<Row>,
    /// Names of models and why they were refused.
    pub(crate) refused: Vec<(String, String)>,
}

/// What a model was found to be.
pub(crate) struct Row {
    pub(crate) name: String,
    /// Sets of inputs.
    pub(crate) sets: usize,
    /// Error against recorded outputs.
    pub(crate) error: f64,
    /// Error of fast code against strict code.
    pub(crate) fast: f64,
    /// Bytes of the microcontroller's Plan.
    pub(crate) plan_bytes: usize,
    /// Host by host.
    pub(crate) cells: Vec<Cell>,
}

/// What one host made of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// The first digits of the digest over the outputs of all sets.
    Digest(String),
    /// Not for this host.
    Unfit(&'static str),
}

impl Row {
    /// Whether each host that ran the model gave the same digest.
    pub(crate) fn is_uniform(&self) -> bool {
        let mut digests = self.cells.iter().filter(|cell| matches!(cell, Cell::Digest(_)));
        let first = digests.next();
        digests.all(|cell| Some(cell) == first)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digits) => f.pad(digits),
            Self::Unfit(why) => f.pad(why),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28} {:>4} {:>8} {:>8} {:>8}", "model", "sets", "mcu plan", "recorded", "fast")?;
        for host in &self.hosts {
            write!(f, " {host:>8}")?;
        }
        writeln!(f)?;
        for Row { name, sets, error, fast, plan_bytes, cells } in &self.rows {
            write!(f, "{name:<28} {sets:>4} {plan_bytes:>8} {error:>8.1e} {fast:>8.1e}")?;
            for cell in cells {
                write!(f, " {cell:>8}")?;
            }
            writeln!(f)?;
        }
        for (name, why) in &self.refused {
            writeln!(f, "{name:<28} refused: {}", why.lines().next().unwrap_or_default())?;
        }
        writeln!(f, "A cell is the SHA-256, cut short, over a host's outputs for all sets, with one NaN for all;")?;
        writeln!(f, "recorded and fast are the largest relative errors against recorded outputs and of fast code;")?;
        writeln!(f, "large does not fit the board's memory, long would keep the emulator too long.")?;
        for Absent { name, missing } in &self.absent {
            writeln!(f, "skipped: {name}: {missing}")?;
        }
        Ok(())
    }
}
