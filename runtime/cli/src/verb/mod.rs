//! The verbs, one file each. A verb has `Options`, which clap fills, and `run`, which answers or fails.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod inspect;
pub(crate) mod keygen;
pub(crate) mod open;
pub(crate) mod ops;
pub(crate) mod push;
pub(crate) mod release;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod verify;
