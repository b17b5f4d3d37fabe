//! The gateway's HTTP side, over a real socket: Open Inference Protocol version 2 in JSON, the metrics, and a page with what
//! it asks for.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "http/inference.rs"]
mod inference;
#[path = "http/pages.rs"]
mod pages;
#[path = "http/site.rs"]
mod site;
