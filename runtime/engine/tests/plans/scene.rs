//! Builds a Plan of a few steps, runs it and reads its tensors.

use mote_abi::DType;
use mote_engine::{Arena, Fault, run};
use mote_plan::step::Params;
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind, Meta, Plan, Region, TensorId};

/// A Plan in the making.
pub(crate) struct Scene {
    writer: Writer,
    arena_bytes: u32,
}

/// A type that tensors are made of.
pub(crate) trait Item: Copy {
    const TYPE: DType;
    fn bytes(self) -> Vec<u8>;
    fn parse(raw: &[u8]) -> Self;
}

macro_rules! items {
    ($($ty:ty = $dtype:ident,)*) => {$(
        impl Item for $ty {
            const TYPE: DType = DType::$dtype;
            fn bytes(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }
            fn parse(raw: &[u8]) -> Self {
                Self::from_le_bytes(raw.try_into().unwrap())
            }
        }
    )*};
}

items! { f32 = F32, f64 = F64, i8 = I8, u8 = U8, i16 = I16, u16 = U16, i32 = I32, u32 = U32, i64 = I64, u64 = U64, }

impl Item for bool {
    const TYPE: DType = DType::Bool;
    fn bytes(self) -> Vec<u8> {
        vec![u8::from(self)]
    }
    fn parse(raw: &[u8]) -> Self {
        assert!(raw[0] < 2, "a bool is 0 or 1");
        raw[0] == 1
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { writer: Writer::new(64), arena_bytes: 0 }
    }

    pub(crate) fn constant<T: Item>(&mut self, dims: &[u32], values: &[T]) -> TensorId {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.bytes()).collect();
        self.writer.constant(T::TYPE, dims, &bytes).unwrap()
    }

    pub(crate) fn tensor<T: Item>(&mut self, dims: &[u32]) -> TensorId {
        self.with_halo::<T>(dims, Halo::NONE)
    }

    pub(crate) fn with_halo<T: Item>(&mut self, dims: &[u32], halo: Halo) -> TensorId {
        let offset = self.arena_bytes.next_multiple_of(64);
        self.at::<T>(dims, halo, offset)
    }

    pub(crate) fn at<T: Item>(&mut self, dims: &[u32], halo: Halo, offset: u32) -> TensorId {
        let shape = mote_plan::Tensor::new(T::TYPE, Region::Arena, offset, dims, halo).unwrap();
        self.arena_bytes = self.arena_bytes.max(offset + shape.bytes);
        self.writer.arena(T::TYPE, dims, halo, offset).unwrap()
    }

    pub(crate) fn step<P: Params>(&mut self, kind: Kind, inputs: &[TensorId], outputs: &[TensorId], params: &P) {
        let inputs: Vec<_> = inputs.iter().map(|&id| Some(id)).collect();
        self.writer.step(kind, &inputs, outputs, params);
    }

    pub(crate) fn optional_step<P: Params>(
        &mut self,
        kind: Kind,
        inputs: &[Option<TensorId>],
        outputs: &[TensorId],
        params: &P,
    ) {
        self.writer.step(kind, inputs, outputs, params);
    }

    pub(crate) fn bare(&mut self, kind: Kind, inputs: &[TensorId], outputs: &[TensorId]) {
        let inputs: Vec<_> = inputs.iter().map(|&id| Some(id)).collect();
        self.writer.bare_step(kind, &inputs, outputs);
    }

    /// The finished Plan, with one entry without inputs and outputs.
    pub(crate) fn plan(mut self) -> AlignedBytes {
        self.writer.entry(EntrySpec { arena_bytes: self.arena_bytes, batch: 1, ..EntrySpec::default() });
        AlignedBytes::copy_of(&self.writer.finish(&Meta::default()).unwrap())
    }

    /// Runs the Plan in an arena full of 0xA5.
    pub(crate) fn run(self) -> Result<Ran, Fault> {
        let plan = self.plan();
        let view = Plan::view(&plan).unwrap();
        let mut memory = AlignedBytes::zeroed(view.arena_bytes() as usize);
        memory.fill(0xA5);
        run(&view, 0, &mut Arena::new(&mut memory)?)?;
        Ok(Ran { plan, memory })
    }
}

/// A Plan that has run.
pub(crate) struct Ran {
    plan: AlignedBytes,
    memory: AlignedBytes,
}

impl Ran {
    /// The storage of a tensor, halo included.
    pub(crate) fn storage<T: Item>(&self, id: TensorId) -> Vec<T> {
        let plan = Plan::view(&self.plan).unwrap();
        let tensor = plan.tensor(id).unwrap();
        let from = tensor.offset as usize;
        let bytes = &self.memory[from..from + tensor.bytes as usize];
        bytes.chunks(T::TYPE.size() as usize).map(T::parse).collect()
    }
}

/// Runs one step over constants and answers its only output.
pub(crate) fn one<T: Item, P: Params>(
    build: impl FnOnce(&mut Scene) -> Vec<TensorId>,
    kind: Kind,
    params: &P,
    dims: &[u32],
) -> Result<Vec<T>, Fault> {
    let mut scene = Scene::new();
    let inputs = build(&mut scene);
    let y = scene.tensor::<T>(dims);
    scene.step(kind, &inputs, &[y], params);
    Ok(scene.run()?.storage(y))
}
