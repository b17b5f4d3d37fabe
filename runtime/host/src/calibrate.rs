use std::time::Instant;

use mote_abi::DType;
use mote_plan::step::Conv;
use mote_plan::write::{EntrySpec, WriteError, Writer};
use mote_plan::{AlignedBytes, Halo, Kind, Meta, Plan, format::CONST_ALIGN};
use mote_weld::{Flavour, Image, Profile, Tuning};

use crate::{Host, LoadError};

/// Width of the layer: its weights fit the second cache of anything that runs wasmtime.
const WIDTH: u32 = 256;

/// Calls that are timed; their median is taken.
const CALLS: usize = 33;

impl Host {
    /// Nanoseconds per scalar operation on this machine, measured once: the median time of a fully connected layer of
    /// one row, the least efficient of the hot loops, divided by the operations that its bound counts.
    ///
    /// # Errors
    /// If even this layer cannot be run.
    pub fn calibrate(&self, image: &Image<'_>) -> Result<f64, LoadError> {
        if let Some(&known) = self.ns_per_op.get() {
            return Ok(known);
        }
        let bytes = AlignedBytes::copy_of(&one_row().map_err(|_| LoadError::Calibration)?);
        let plan = Plan::view(&bytes)?;
        let flavour = Flavour { profile: Profile::Strict, tuning: Tuning::Cranelift };
        let mut instance = self.instantiate_own(&mote_weld::module(&plan, flavour, image)?)?;
        let mut times = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let start = Instant::now();
            instance.run(0).map_err(|_| LoadError::Calibration)?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let median = times[CALLS / 2].as_secs_f64() * 1e9;
        Ok(*self.ns_per_op.get_or_init(|| median / ops() as f64))
    }
}

/// As the compiler counts a convolution: two per multiply-accumulate, four per element for bias, residual and clamp.
fn ops() -> u64 {
    let width = u64::from(WIDTH);
    width * (2 * width + 4)
}

/// The Plan of the layer.
fn one_row() -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::new(CONST_ALIGN);
    let one = |count: u32| (0..count).flat_map(|_| 1f32.to_le_bytes()).collect::<Vec<u8>>();
    let w = writer.constant(DType::F32, &[WIDTH / 8, WIDTH, 8], &one(WIDTH * WIDTH))?;
    let bias = writer.constant(DType::F32, &[WIDTH], &one(WIDTH))?;
    let x = writer.arena(DType::F32, &[1, 1, 1, WIDTH], Halo::NONE, 0)?;
    let y = writer.arena(DType::F32, &[1, 1, 1, WIDTH], Halo::NONE, 4 * WIDTH)?;
    writer.name(x, "x")?;
    writer.name(y, "y")?;
    let params = Conv {
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [0, 0],
        low: f32::NEG_INFINITY,
        high: f32::INFINITY,
    };
    writer.step(Kind::Conv, &[Some(x), Some(w), Some(bias)], &[y], &params);
    let macs = u64::from(WIDTH * WIDTH);
    writer.entry(EntrySpec { batch: 1, inputs: vec![x], outputs: vec![y], arena_bytes: 8 * WIDTH, macs, ops: ops() });
    writer.finish(&Meta { name: "calibration".into(), ..Meta::default() })
}
