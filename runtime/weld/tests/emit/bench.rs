//! Builds one-entry Plans over a scratch arena, runs their Modules in wasmtime and compares arenas.

use mote_abi::DType;
use mote_engine::Arena;
use mote_plan::step::Params;
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind, Meta, Plan, Tensor, TensorId};
use mote_weld::{Card, Flavour, Image, Profile};

/// An image that no emitted Plan reads.
pub(crate) const NO_IMAGE: Image<'static> = Image { wasm: &[], digest: [0; 32] };

/// A Plan under construction, with the arena's bytes before the call.
pub(crate) struct Bench {
    writer: Writer,
    pub(crate) arena: Vec<u8>,
    seed: u64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { writer: Writer::new(64), arena: Vec::new(), seed: 0x9e37_79b9_7f4a_7c15 }
    }

    /// A number in [-1, 1).
    pub(crate) fn number(&mut self) -> f32 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        ((self.seed >> 40) as f32) / 8_388_608.0 - 1.0
    }

    /// An f32 tensor in the arena: numbers everywhere, zeros in the halo, numbers behind it that nobody may touch.
    pub(crate) fn tensor(&mut self, dims: &[u32], halo: Halo) -> (TensorId, Tensor) {
        let (id, tensor) = self.typed(DType::F32, dims, halo);
        for at in (tensor.offset..tensor.offset + tensor.bytes).step_by(4) {
            self.set(at, 0.0);
        }
        let [n, h, w, c] = std::array::from_fn(|i| if dims.len() == 4 { dims[i] } else { 1 });
        if dims.len() == 4 {
            for (n, y, x, c) in boxes(n, h, w, c) {
                let value = self.number();
                self.set(element(&tensor, n, y, x, c), value);
            }
        } else {
            for i in 0..tensor.count() {
                let value = self.number();
                self.set(tensor.offset + 4 * i, value);
            }
        }
        (id, tensor)
    }

    /// A tensor of any type; its bytes are whatever pads the arena.
    pub(crate) fn typed(&mut self, dtype: DType, dims: &[u32], halo: Halo) -> (TensorId, Tensor) {
        let offset = self.arena.len().next_multiple_of(64) as u32;
        let id = self.writer.arena(dtype, dims, halo, offset).unwrap();
        let tensor = Tensor::new(dtype, mote_plan::Region::Arena, offset, dims, halo).unwrap();
        while self.arena.len() < (offset + tensor.bytes) as usize + 12 {
            let byte = (self.number() * 100.0) as i8;
            self.arena.push(byte.cast_unsigned());
        }
        (id, tensor)
    }

    pub(crate) fn constant(&mut self, values: &[f32]) -> TensorId {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.writer.constant(DType::F32, &[values.len() as u32], &bytes).unwrap()
    }

    pub(crate) fn numbers(&mut self, count: u32) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    pub(crate) fn set(&mut self, at: u32, value: f32) {
        self.arena[at as usize..at as usize + 4].copy_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn step<P: Params>(&mut self, kind: Kind, inputs: &[Option<TensorId>], output: TensorId, params: &P) {
        self.writer.step(kind, inputs, &[output], params);
    }

    pub(crate) fn halo(&mut self, output: TensorId) {
        self.writer.bare_step(Kind::Halo, &[], &[output]);
    }

    pub(crate) fn product(&mut self, a: TensorId, b: TensorId, output: TensorId) {
        self.writer.bare_step(Kind::MatMul, &[Some(a), Some(b)], &[output]);
    }

    /// Runs the Plan in every flavour and holds each arena to the expected one.
    pub(crate) fn expect(self, what: &str, expected: &[u8]) {
        let spec = EntrySpec { batch: 1, arena_bytes: self.arena.len() as u32, ..EntrySpec::default() };
        let mut writer = self.writer;
        writer.entry(spec);
        let bytes = AlignedBytes::copy_of(&writer.finish(&Meta::default()).unwrap());
        let plan = Plan::view(&bytes).unwrap();
        let mut native = AlignedBytes::copy_of(&self.arena);
        let ran = mote_engine::run(&plan, 0, &mut Arena::new(&mut native).unwrap());
        assert_eq!(ran, Ok(()), "{what}, engine");
        compare(&format!("{what}, engine"), None, &native, expected);
        for flavour in Flavour::ALL {
            let wasm = mote_weld::module(&plan, flavour, &NO_IMAGE).unwrap_or_else(|e| panic!("{what}: {e}"));
            let checked = mote_weld::check::module(&wasm).unwrap_or_else(|e| panic!("{what}, {flavour}: {e}"));
            assert!(flavour.profile == Profile::Fast || !checked.relaxed, "{what}, {flavour}");
            let arena = run(&wasm, &self.arena);
            compare(&format!("{what}, {flavour}"), Some(flavour.profile), &arena, expected);
        }
    }
}

/// Writes the arena, calls entry 0, reads the arena.
pub(crate) fn run(wasm: &[u8], arena: &[u8]) -> Vec<u8> {
    let at = Card::read(wasm).unwrap().memory.arena_offset as usize;
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, wasm).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    memory.write(&mut store, at, arena).unwrap();
    let infer = instance.get_typed_func::<i32, i32>(&mut store, "mote_infer").unwrap();
    assert_eq!(infer.call(&mut store, 0).unwrap(), 0);
    memory.data(&store)[at..at + arena.len()].to_vec()
}

/// Equal but for what the profile allows; the engine is strict.
fn compare(what: &str, profile: Option<Profile>, got: &[u8], expected: &[u8]) {
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).map(canonical).collect()
    };
    for (i, (got, expected)) in words(got).into_iter().zip(words(expected)).enumerate() {
        let near = || {
            let (got, expected) = (f32::from_bits(got), f32::from_bits(expected));
            (got - expected).abs() <= 1e-5 * (1.0 + expected.abs())
        };
        assert!(
            got == expected || (profile == Some(Profile::Fast) && near()),
            "{what}: byte {} of the arena: {} for {}",
            4 * i,
            f32::from_bits(got),
            f32::from_bits(expected)
        );
    }
}

/// All NaNs are one.
fn canonical(bits: u32) -> u32 {
    if f32::from_bits(bits).is_nan() { 0x7fc0_0000 } else { bits }
}

/// Byte of an element of an image tensor in the arena.
pub(crate) fn element(tensor: &Tensor, n: u32, y: u32, x: u32, c: u32) -> u32 {
    let strides = tensor.strides();
    let index = [n, y, x, c].iter().zip(strides).map(|(i, stride)| i * stride).sum::<u32>();
    tensor.offset + (tensor.start() + index) * 4
}

/// Every index of an image tensor, row-major.
pub(crate) fn boxes(n: u32, h: u32, w: u32, c: u32) -> impl Iterator<Item = (u32, u32, u32, u32)> {
    (0..n).flat_map(move |n| (0..h).flat_map(move |y| (0..w).flat_map(move |x| (0..c).map(move |c| (n, y, x, c)))))
}
