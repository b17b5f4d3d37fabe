//! A device from the outside: a host, a broker and a source that misbehave on purpose.
#![allow(clippy::unwrap_used, reason = "tests")]

mod journeys;
mod messages;
mod publisher;
mod reports;
mod storage;
mod storms;
mod transfers;
mod world;
