//! The gateway's host, with code derived from the Plan and with the code of a file.

use mote_host::{Code, HostConfig, Instance, LoadOptions};
use mote_seal::Kind;
use mote_tests::signed::Signed;
use mote_weld::Profile;

use super::{Host, Ran};
use crate::subject::{Set, Subject, image, module};

/// See the file.
pub(crate) struct Wasmtime {
    host: mote_host::Host,
    code: Code,
    profile: Profile,
}

impl Wasmtime {
    /// Code that the host derives.
    pub(crate) fn derived(profile: Profile) -> Self {
        Self::new(Code::Derived, profile)
    }

    /// The code that a page would run.
    pub(crate) fn file(profile: Profile) -> Self {
        Self::new(Code::File, profile)
    }

    fn new(code: Code, profile: Profile) -> Self {
        let host = mote_host::Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
        Self { host, code, profile }
    }

    fn instance(&self, subject: &Subject) -> Instance {
        let signed = match (self.code, self.profile) {
            (Code::Derived, _) => Signed::new(subject.plan.to_vec(), Kind::Plan),
            (Code::File, Profile::Strict) => Signed::new(subject.module.clone(), Kind::Module),
            (Code::File, Profile::Fast) => Signed::new(module(&subject.plan, Profile::Fast), Kind::Module),
        };
        let options = LoadOptions { code: self.code, profile: self.profile, ..LoadOptions::default() };
        let model = self.host.load(&signed.open().unwrap(), &image(), &options);
        model.unwrap_or_else(|error| panic!("{}: {error}", subject.name)).instantiate().unwrap()
    }
}

impl Host for Wasmtime {
    fn name(&self) -> &'static str {
        match self.code {
            Code::Derived => "wasmtime",
            Code::File => "its file",
        }
    }

    fn run(&self, subjects: &[Subject]) -> Vec<Ran> {
        let answers = |subject: &Subject| {
            let mut instance = self.instance(subject);
            subject.sets.iter().map(|set| infer(&mut instance, set)).collect()
        };
        subjects.iter().map(|subject| Ran::Answers(answers(subject))).collect()
    }
}

fn infer(instance: &mut Instance, set: &Set) -> Vec<u8> {
    let inputs: Vec<&[u8]> = set.inputs.iter().map(Vec::as_slice).collect();
    let outputs = instance.infer(0, &inputs).unwrap_or_else(|error| panic!("{}: {error}", set.what));
    outputs.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect()
}
