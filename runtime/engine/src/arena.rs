//! Checked offsets become typed views here and nowhere else.
#![expect(unsafe_code, reason = "one step reads and writes disjoint parts of one buffer")]

use core::marker::PhantomData;

use mote_abi::DType;
use mote_kernels::{Ints, IntsMut, Layout};
use mote_plan::format::BASE_ALIGN;
use mote_plan::{Plan, Region, Step, Tensor};

use crate::fault::{Fault, Result};

/// The memory that a Plan's steps read and write, owned by the caller.
#[derive(Debug)]
pub struct Arena<'a> {
    bytes: &'a mut [u8],
}

impl<'a> Arena<'a> {
    /// Takes memory whose first byte lies on a multiple of 16. Whether it is long enough shows when a step runs.
    ///
    /// # Errors
    /// [`Fault::MisalignedArena`].
    pub fn new(bytes: &'a mut [u8]) -> Result<Self> {
        if !bytes.as_ptr().addr().is_multiple_of(BASE_ALIGN) {
            return Err(Fault::MisalignedArena);
        }
        Ok(Self { bytes })
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The whole memory.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The storage of a tensor of the arena.
    pub(crate) fn storage(&self, tensor: &Tensor) -> Option<&[u8]> {
        self.bytes.get(range(tensor)?)
    }

    /// The writable storage of a tensor of the arena.
    pub(crate) fn storage_mut(&mut self, tensor: &Tensor) -> Option<&mut [u8]> {
        self.bytes.get_mut(range(tensor)?)
    }

    /// The operands of a step: inside the Plan and the arena, aligned, outputs apart from everything else as the overlap
    /// rule demands.
    pub(crate) fn operands<'v>(
        &'v mut self,
        plan: &Plan<'v>,
        step: &Step<'_>,
        overlap: Overlap,
    ) -> Result<Operands<'v>> {
        let mut operands = Operands { inputs: [None; MAX_INPUTS], outputs: [None; MAX_OUTPUTS], life: PhantomData };
        let arena = self.bytes.as_mut_ptr();
        for (i, slot) in operands.inputs.iter_mut().enumerate() {
            let Some(id) = step.input(i) else { continue };
            let tensor = plan.tensor(id).ok_or(Fault::MalformedPlan)?;
            let start = match tensor.region {
                Region::Const => plan.constant(&tensor).ok_or(Fault::MalformedPlan)?.as_ptr().cast_mut(),
                Region::Arena => start(arena, self.bytes.len(), &tensor)?,
            };
            *slot = Some(Slot::new(tensor, start)?);
        }
        for (i, slot) in operands.outputs.iter_mut().enumerate() {
            let Some(id) = step.output(i) else { continue };
            let tensor = plan.tensor(id).filter(|t| t.region == Region::Arena).ok_or(Fault::MalformedPlan)?;
            *slot = Some(Slot::new(tensor, start(arena, self.bytes.len(), &tensor)?)?);
        }
        operands.part(overlap)?;
        Ok(operands)
    }
}

fn range(tensor: &Tensor) -> Option<core::ops::Range<usize>> {
    let start = tensor.offset as usize;
    (tensor.region == Region::Arena).then_some(start..start.checked_add(tensor.bytes as usize)?)
}

fn start(arena: *mut u8, len: usize, tensor: &Tensor) -> Result<*mut u8> {
    let range = range(tensor).filter(|range| range.end <= len).ok_or(Fault::MalformedPlan)?;
    // SAFETY: `range` lies inside the `len` bytes that start at `arena`.
    Ok(unsafe { arena.add(range.start) })
}

/// Most inputs of any kind.
const MAX_INPUTS: usize = 9;
/// Most outputs of any kind.
const MAX_OUTPUTS: usize = 5;

/// Whether an output may share its storage with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// Never.
    Apart,
    /// Where both are one tensor: equal in place, type, shape and halo. The kernel then reads the output.
    InPlace,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tensor: Tensor,
    start: *mut u8,
    /// An input that an output shares its storage with; an output whose view has been handed out.
    taken: bool,
}

impl Slot {
    fn new(tensor: Tensor, start: *mut u8) -> Result<Self> {
        if !start.addr().is_multiple_of(tensor.dtype.size() as usize) {
            return Err(Fault::MalformedPlan);
        }
        Ok(Self { tensor, start, taken: false })
    }

    fn count<T: Plain>(&self) -> usize {
        self.tensor.bytes as usize / size_of::<T>()
    }
}

/// The operands of one step. Inputs can be viewed any number of times, each output once.
pub(crate) struct Operands<'v> {
    inputs: [Option<Slot>; MAX_INPUTS],
    outputs: [Option<Slot>; MAX_OUTPUTS],
    life: PhantomData<(&'v [u8], &'v mut [u8])>,
}

impl<'v> Operands<'v> {
    /// Refuses outputs that share bytes with another operand, and marks the inputs that an output replaces.
    fn part(&mut self, overlap: Overlap) -> Result {
        for (i, output) in self.outputs.iter().enumerate() {
            let Some(output) = output else { continue };
            for input in self.inputs.iter_mut().flatten().filter(|input| touch(&input.tensor, &output.tensor)) {
                if overlap == Overlap::Apart || !same(&input.tensor, &output.tensor) {
                    return Err(Fault::MalformedPlan);
                }
                input.taken = true;
            }
            if self.outputs.iter().skip(i + 1).flatten().any(|other| touch(&other.tensor, &output.tensor)) {
                return Err(Fault::MalformedPlan);
            }
        }
        Ok(())
    }

    /// Whether an optional input is there.
    pub(crate) fn has_input(&self, i: usize) -> bool {
        self.inputs.get(i).is_some_and(Option::is_some)
    }

    /// The record of an input.
    pub(crate) fn input_tensor(&self, i: usize) -> Result<&Tensor> {
        self.inputs.get(i).and_then(Option::as_ref).map(|slot| &slot.tensor).ok_or(Fault::MalformedPlan)
    }

    /// The record of an output.
    pub(crate) fn output_tensor(&self, i: usize) -> Result<&Tensor> {
        self.outputs.get(i).and_then(Option::as_ref).map(|slot| &slot.tensor).ok_or(Fault::MalformedPlan)
    }

    /// Where an input's elements lie in its view.
    pub(crate) fn input_layout(&self, i: usize) -> Result<Layout> {
        layout(self.input_tensor(i)?)
    }

    /// Where an output's elements lie in its view.
    pub(crate) fn output_layout(&self, i: usize) -> Result<Layout> {
        layout(self.output_tensor(i)?)
    }

    /// Refuses operands with a halo.
    pub(crate) fn all_dense(&self) -> Result {
        let dense = self.inputs.iter().chain(&self.outputs).flatten().all(|slot| slot.tensor.is_dense());
        if dense { Ok(()) } else { Err(Fault::MalformedPlan) }
    }

    /// The storage of an input of this element type.
    pub(crate) fn input<T: Plain>(&self, i: usize) -> Result<&'v [T]> {
        self.source(i)?.ok_or(Fault::MalformedPlan)
    }

    /// The storage of an input of this element type, `None` where it is the output's.
    pub(crate) fn source<T: Plain>(&self, i: usize) -> Result<Option<&'v [T]>> {
        self.source_if(i, T::holds)
    }

    /// The storage of an input as bytes, whatever its type, `None` where it is the output's.
    pub(crate) fn source_bytes(&self, i: usize) -> Result<Option<&'v [u8]>> {
        self.source_if(i, |_| true)
    }

    /// The storage of an input as bytes, whatever its type.
    pub(crate) fn input_bytes(&self, i: usize) -> Result<&'v [u8]> {
        self.source_bytes(i)?.ok_or(Fault::MalformedPlan)
    }

    /// The storage of an output of this element type.
    pub(crate) fn output<T: Plain>(&mut self, i: usize) -> Result<&'v mut [T]> {
        self.output_if(i, T::holds)
    }

    /// The storage of an output as bytes, whatever its type.
    pub(crate) fn output_bytes(&mut self, i: usize) -> Result<&'v mut [u8]> {
        self.output_if(i, |_| true)
    }

    /// Fills the first output with the first input where they are not one. Both have the same size.
    pub(crate) fn copy_first_input(&mut self) -> Result {
        let Some(x) = self.source_bytes(0)? else { return Ok(()) };
        let output = self.outputs.first_mut().and_then(Option::as_mut).ok_or(Fault::MalformedPlan)?;
        if output.taken || output.tensor.bytes as usize != x.len() {
            return Err(Fault::MalformedPlan);
        }
        // SAFETY: as in `output_if`; the view ends with this function, so the output can still be handed out once.
        let y: &mut [u8] = unsafe { core::slice::from_raw_parts_mut(output.start, x.len()) };
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = x);
        Ok(())
    }

    /// The storage of an input of an integer type or bool; `None` where it is the output's.
    pub(crate) fn ints(&self, i: usize) -> Result<Option<Ints<'v>>> {
        Ok(match self.input_tensor(i)?.dtype {
            DType::I8 => self.source(i)?.map(Ints::I8),
            DType::U8 => self.source(i)?.map(Ints::U8),
            DType::I16 => self.source(i)?.map(Ints::I16),
            DType::U16 => self.source(i)?.map(Ints::U16),
            DType::I32 => self.source(i)?.map(Ints::I32),
            DType::U32 => self.source(i)?.map(Ints::U32),
            DType::I64 => self.source(i)?.map(Ints::I64),
            DType::U64 => self.source(i)?.map(Ints::U64),
            DType::Bool => self.source(i)?.map(Ints::Bool),
            DType::F32 | DType::F64 | DType::F16 | DType::BF16 => return Err(Fault::MalformedPlan),
        })
    }

    /// The storage of an output of an integer type or bool.
    pub(crate) fn ints_mut(&mut self, i: usize) -> Result<IntsMut<'v>> {
        Ok(match self.output_tensor(i)?.dtype {
            DType::I8 => IntsMut::I8(self.output(i)?),
            DType::U8 => IntsMut::U8(self.output(i)?),
            DType::I16 => IntsMut::I16(self.output(i)?),
            DType::U16 => IntsMut::U16(self.output(i)?),
            DType::I32 => IntsMut::I32(self.output(i)?),
            DType::U32 => IntsMut::U32(self.output(i)?),
            DType::I64 => IntsMut::I64(self.output(i)?),
            DType::U64 => IntsMut::U64(self.output(i)?),
            DType::Bool => IntsMut::Bool(self.output(i)?),
            DType::F32 | DType::F64 | DType::F16 | DType::BF16 => return Err(Fault::MalformedPlan),
        })
    }

    fn source_if<T: Plain>(&self, i: usize, fits: impl Fn(DType) -> bool) -> Result<Option<&'v [T]>> {
        let slot =
            self.inputs.get(i).copied().flatten().filter(|slot| fits(slot.tensor.dtype)).ok_or(Fault::MalformedPlan)?;
        if slot.taken {
            return Ok(None);
        }
        // SAFETY: `operands` found the storage inside the Plan or the arena and aligned to its element, whose size is that
        // of T (or a multiple, for bytes); every bit pattern is a `Plain`. Both outlive 'v, during which the arena is
        // borrowed here alone, and no output shares a byte with an input that is not `taken`.
        Ok(Some(unsafe { core::slice::from_raw_parts(slot.start.cast_const().cast(), slot.count::<T>()) }))
    }

    fn output_if<T: Plain>(&mut self, i: usize, fits: impl Fn(DType) -> bool) -> Result<&'v mut [T]> {
        let slot =
            self.outputs.get_mut(i).and_then(Option::as_mut).filter(|slot| fits(slot.tensor.dtype) && !slot.taken);
        let slot = slot.ok_or(Fault::MalformedPlan)?;
        slot.taken = true;
        // SAFETY: as for inputs; besides, outputs lie in the arena, share no byte with each other or with an input that
        // can be viewed, and this one is handed out once.
        Ok(unsafe { core::slice::from_raw_parts_mut(slot.start.cast(), slot.count::<T>()) })
    }
}

/// Where the logical elements of a tensor lie in its storage.
// One copy: every kernel needs it, and the guest pays for code.
#[inline(never)]
fn layout(tensor: &Tensor) -> Result<Layout> {
    let strides = tensor.strides();
    Ok(Layout::stored(tensor.dims(), strides.get(..tensor.dims().len()).ok_or(Fault::MalformedPlan)?, tensor.start())?)
}

/// Whether two tensors share a byte.
fn touch(a: &Tensor, b: &Tensor) -> bool {
    let end = |t: &Tensor| t.offset.saturating_add(t.bytes);
    a.region == b.region && a.bytes > 0 && b.bytes > 0 && a.offset < end(b) && b.offset < end(a)
}

/// Whether two records describe one tensor.
fn same(a: &Tensor, b: &Tensor) -> bool {
    a.offset == b.offset && a.dtype == b.dtype && a.dims() == b.dims() && a.halo == b.halo
}

/// Element types of which every bit pattern is a value.
///
/// # Safety
/// No padding, no invalid bit pattern, alignment at most the size.
pub(crate) unsafe trait Plain: Copy + 'static {
    /// Whether tensors of this type are stored as `Self`.
    fn holds(dtype: DType) -> bool;
}

macro_rules! plain {
    ($($ty:ty: $($dtype:ident)|+;)*) => {$(
        // SAFETY: primitive numbers; 8-byte ones are aligned to at most 8 on every target.
        unsafe impl Plain for $ty {
            fn holds(dtype: DType) -> bool {
                matches!(dtype, $(DType::$dtype)|+)
            }
        }
    )*};
}

plain! {
    f32: F32;
    f64: F64;
    i8: I8;
    u8: U8 | Bool;
    i16: I16;
    u16: U16 | F16 | BF16;
    i32: I32;
    u32: U32;
    i64: I64;
    u64: U64;
}

#[cfg(test)]
mod tests {
    use super::{MAX_INPUTS, MAX_OUTPUTS};
    use mote_plan::Kind;

    #[test]
    fn no_operand_is_left_out() {
        for kind in Kind::ALL {
            let beyond = |(inputs, outputs): &(usize, usize)| *inputs > MAX_INPUTS || *outputs > MAX_OUTPUTS;
            let all = (0..64).flat_map(|inputs| (0..64).map(move |outputs| (inputs, outputs)));
            assert!(!all.filter(beyond).any(|(inputs, outputs)| kind.accepts(inputs, outputs)), "{kind:?}");
        }
    }
}
