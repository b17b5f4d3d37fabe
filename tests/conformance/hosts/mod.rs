//! The places where a model runs. All are asked the same; strict code gives the same bits in each.

mod chromium;
mod native;
mod node;
mod qemu;
mod wasmtime;

use mote_weld::Profile;

use crate::subject::Subject;

/// A place where models run.
pub(crate) trait Host: Sync {
    /// The head of its column.
    fn name(&self) -> &'static str;

    /// What each subject answers.
    fn run(&self, subjects: &[Subject]) -> Vec<Ran>;
}

/// What a host made of a subject.
pub(crate) enum Ran {
    /// The concatenated outputs, set by set.
    Answers(Vec<Vec<u8>>),
    /// It is not for this host, in one word.
    Unfit(&'static str),
}

/// A host that this machine lacks.
pub(crate) struct Absent {
    pub(crate) name: &'static str,
    /// What is missing.
    pub(crate) missing: String,
}

/// The host that the others are held to: the native engine.
pub(crate) fn reference() -> impl Host {
    native::Native::Plan
}

/// Every host of strict code, or why it is absent. In the order of the table.
pub(crate) fn strict() -> Vec<Result<Box<dyn Host>, Absent>> {
    let mut hosts: Vec<Result<Box<dyn Host>, Absent>> = vec![
        Ok(Box::new(native::Native::McuPlan)),
        Ok(Box::new(wasmtime::Wasmtime::derived(Profile::Strict))),
        Ok(Box::new(wasmtime::Wasmtime::file(Profile::Strict))),
        boxed(node::Node::find()),
        boxed(chromium::Chromium::find()),
    ];
    hosts.extend(qemu::Qemu::all().map(boxed));
    hosts
}

fn boxed(host: Result<impl Host + 'static, Absent>) -> Result<Box<dyn Host>, Absent> {
    host.map(|host| Box::new(host) as Box<dyn Host>)
}

/// Hosts of fast code, which only comes close.
pub(crate) fn fast() -> [wasmtime::Wasmtime; 2] {
    [wasmtime::Wasmtime::derived(Profile::Fast), wasmtime::Wasmtime::file(Profile::Fast)]
}
