//! The guest that a gateway derives from a Plan, held to the native engine.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mote_host::{Code, Host, HostConfig, LoadOptions};
use mote_seal::Kind;
use mote_tests::npz::Array;
use mote_tests::signed::Signed;
use mote_tests::suite::Ran;
use mote_weld::{Image, Profile};

/// A host of strict code.
pub(crate) struct Guests {
    host: Host,
}

impl Guests {
    pub(crate) fn new() -> Self {
        Self { host: Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap() }
    }

    /// How the guest's answer differs from that of the native engine: bit for bit, every NaN alike.
    pub(crate) fn difference(&self, ran: &Ran) -> Option<String> {
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(ran)));
        match answered {
            Ok(Ok(answers)) => ran.outputs.iter().zip(answers).find_map(|(want, got)| differs(want, got)),
            Ok(Err(why)) => Some(format!("the guest does not run: {why}")),
            Err(_) => Some("the guest panicked".to_owned()),
        }
    }

    fn answer(&self, ran: &Ran) -> Result<Vec<Vec<u8>>, String> {
        let signed = Signed::new(ran.plan.clone(), Kind::Plan);
        let image = mote_guest_image::image();
        let image = Image { wasm: image.wasm, digest: image.digest };
        let options = LoadOptions { code: Code::Derived, profile: Profile::Strict, ..LoadOptions::default() };
        let opened = signed.open().map_err(|error| error.to_string())?;
        let model = self.host.load(&opened, &image, &options).map_err(|error| error.to_string())?;
        let mut instance = model.instantiate().map_err(|error| error.to_string())?;
        let inputs: Vec<&[u8]> = ran.inputs.iter().map(Vec::as_slice).collect();
        let outputs = instance.infer(0, &inputs).map_err(|error| error.to_string())?;
        Ok(outputs.iter().map(|(_, bytes)| bytes.to_vec()).collect())
    }
}

fn differs(want: &Array, got: Vec<u8>) -> Option<String> {
    let got = Array { bytes: got, ..want.clone() }.canonical();
    let size = want.dtype.size() as usize;
    let want_bytes = want.canonical();
    let at = got.chunks(size).zip(want_bytes.chunks(size)).position(|(got, want)| got != want)?;
    Some(format!("the guest differs from the native engine in `{}`[{at}]", want.name))
}
