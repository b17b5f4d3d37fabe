//! The golden vectors of a release, handed out one by one.

use mote_abi::DType;
use mote_seal::golden::{Inputs, OutputHasher, Vectors};
use mote_seal::{Blob, Digest, OpenError};
use wasm_bindgen::prelude::wasm_bindgen;

/// One call that the new model must answer right.
#[derive(Debug)]
struct Call {
    entry: u32,
    inputs: Held,
    digest: Digest,
}

/// Inputs without the file that they came from.
#[derive(Debug)]
enum Held {
    Recorded(Vec<u8>),
    Generated(Inputs<'static>),
}

/// The calls of a golden file, and a hasher over the outputs of the one being made.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SelfTest {
    calls: Vec<Call>,
    hasher: OutputHasher,
}

impl SelfTest {
    /// `blob` is what the release says of the file; without golden vectors there is no call to make.
    pub(super) fn open(bytes: &[u8], blob: Option<&Blob>) -> Result<Self, OpenError> {
        let mut calls = Vec::new();
        if let Some(blob) = blob {
            for vector in Vectors::open(bytes, blob)?.iter() {
                let inputs = match vector.inputs {
                    Inputs::Recorded(bytes) => Held::Recorded(bytes.into()),
                    Inputs::Generated { generator, seed } => Held::Generated(Inputs::Generated { generator, seed }),
                };
                calls.push(Call { entry: vector.entry, inputs, digest: vector.digest });
            }
        }
        Ok(Self { calls, hasher: OutputHasher::new() })
    }
}

#[wasm_bindgen]
impl SelfTest {
    /// How many calls there are.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// The entry that a call is about.
    #[must_use]
    pub fn entry(&self, call: usize) -> Option<u32> {
        self.calls.get(call).map(|call| call.entry)
    }

    /// Its inputs, one behind the other, which for this model are `length` bytes. `undefined` if they do not fit.
    #[must_use]
    pub fn inputs(&self, call: usize, length: usize) -> Option<Vec<u8>> {
        let call = self.calls.get(call)?;
        let inputs = match &call.inputs {
            Held::Recorded(bytes) => Inputs::Recorded(bytes),
            Held::Generated(inputs) => *inputs,
        };
        // The length is that of a model which runs already, so it is no claim of a stranger's.
        let mut bytes = vec![0; length];
        inputs.write_to(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Takes the next output of the call, whose type the Card calls `dtype`.
    pub fn output(&mut self, dtype: &str, bytes: &[u8]) {
        self.hasher.output(DType::from_name(dtype).unwrap_or(DType::U8), bytes);
    }

    /// Whether the outputs taken since the last call are right.
    #[must_use]
    pub fn passes(&mut self, call: usize) -> bool {
        let got = core::mem::take(&mut self.hasher).finish();
        self.calls.get(call).is_some_and(|call| call.digest == got)
    }
}
