//! The browser package where no browser is: in Node, Deno and Bun, and through Vite. It gives the native bits, says what
//! is wrong with what it refuses, lives without a network where there is a cache, and gives back the memory it took.
//!
//! Without the package, node or the registry's runtimes these are skipped, by name. A page in Chromium is `browser.rs`.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "web/answers.rs"]
mod answers;
#[path = "web/bundles.rs"]
mod bundles;
#[path = "web/preparing.rs"]
mod preparing;
mod program;
#[path = "web/refusals.rs"]
mod refusals;
#[path = "browser/releases.rs"]
#[allow(dead_code, reason = "what opens files needs less of it than a device of a fleet")]
mod releases;
#[path = "web/scene.rs"]
mod scene;
