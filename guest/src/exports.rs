//! One export for each kernel of the engine, so that a module links only those that its steps name.
//!
//! `mote_k_<name>(step, plan, arena) -> status`: addresses of a step's record, of the Plan that holds it and of the arena.
//! How long Plan and arena are stands in the Plan's header.
#![expect(unsafe_code, reason = "the boundary where weld's addresses become slices")]

use core::slice;

use mote_abi::Status;
use mote_engine::{Arena, Fault};
use mote_plan::format::{HEADER_BYTES, header};
use mote_plan::{Plan, Step};

macro_rules! export {
    ($($name:ident $export:ident,)*) => {$(
        /// # Safety
        /// As for [`call`].
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $export(step: *const u8, plan: *const u8, arena: *mut u8) -> i32 {
            // SAFETY: the caller's promise is the same.
            unsafe { call(step, plan, arena, mote_engine::$name) }
        }
    )*};
}

mote_engine::for_each_kernel!(export);

type Kernel = fn(&Plan<'_>, &Step<'_>, &mut Arena<'_>) -> Result<(), Fault>;

/// Runs one step and answers its status.
///
/// # Safety
/// `plan` points to a whole Plan and `arena` to as many bytes as its header says, apart from each other; nobody else uses
/// either during the call. Weld lays memory out so and is the only caller. Where `step` points is checked.
#[inline(always)]
unsafe fn call(step: *const u8, plan: *const u8, arena: *mut u8, kernel: Kernel) -> i32 {
    // SAFETY: every Plan is at least a header long.
    let head = unsafe { slice::from_raw_parts(plan, HEADER_BYTES as usize) };
    let (plan_bytes, arena_bytes) = (word(head, header::TOTAL), word(head, header::ARENA));
    // SAFETY: the header states the Plan's own length.
    let plan = unsafe { slice::from_raw_parts(plan, plan_bytes) };
    // SAFETY: the arena is as long as the header says, and nobody else uses it during the call.
    let arena = unsafe { slice::from_raw_parts_mut(arena, arena_bytes) };
    match run(step, plan, arena, kernel) {
        Ok(()) => Status::Ok.code(),
        Err(fault) => fault.status().code(),
    }
}

#[inline(always)]
fn run(step: *const u8, plan: &[u8], arena: &mut [u8], kernel: Kernel) -> Result<(), Fault> {
    let at = step.addr().wrapping_sub(plan.as_ptr().addr());
    let step = plan.get(at..).and_then(Step::read).ok_or(Fault::MalformedPlan)?;
    let plan = Plan::trust(plan).map_err(|_| Fault::MalformedPlan)?;
    kernel(&plan, &step, &mut Arena::new(arena)?)
}

/// A u32 of the header; 0 beyond its end, which no field is.
fn word(head: &[u8], at: usize) -> usize {
    let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, |bytes| u32::from_le_bytes(bytes) as usize)
}
