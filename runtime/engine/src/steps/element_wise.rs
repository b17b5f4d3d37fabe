use mote_abi::{DType, op};
use mote_kernels::select::{self as kernel, Operand};
use mote_kernels::{Layout, Number, Truths};
use mote_plan::{Plan, Step, step};

use super::{params, require};
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::Result;

/// Functions of one f32 tensor, [`mote_plan::Kind::Unary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn unary_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    unary_slices::<f32>(&mut arena.operands(plan, step, Overlap::InPlace)?, step)
}

/// Functions of one tensor of another type, [`mote_plan::Kind::Unary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn unary(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    match operands.input_tensor(0)?.dtype {
        DType::F64 => unary_slices::<f64>(&mut operands, step),
        DType::U64 => unary_slices::<u64>(&mut operands, step),
        dtype => {
            let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
            require(operands.output_tensor(0)?.dtype == dtype)?;
            let x = operands.ints(0)?;
            Ok(kernel::unary::<i64, _, _>(
                &function(step)?,
                x.as_ref(),
                &x_layout,
                &mut operands.ints_mut(0)?,
                &y_layout,
            )?)
        }
    }
}

fn unary_slices<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let function = function(step)?;
    let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
    if matches!(function.op, op::Unary::IsNan | op::Unary::IsInf) {
        let (x, y) = (operands.input::<W>(0)?, bools(operands)?);
        return Ok(kernel::unary(&function, Some(x), &x_layout, &mut Truths(y), &y_layout)?);
    }
    Ok(kernel::unary(&function, operands.source::<W>(0)?, &x_layout, operands.output::<W>(0)?, &y_layout)?)
}

fn function(step: &Step<'_>) -> Result<kernel::Unary> {
    let p: step::Unary = params(step)?;
    Ok(kernel::Unary { op: p.op, alpha: p.alpha, beta: p.beta })
}

/// Functions of two f32 tensors, [`mote_plan::Kind::Binary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn binary_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    binary_slices::<f32>(&mut arena.operands(plan, step, Overlap::InPlace)?, step)
}

/// Functions of two tensors of another type, [`mote_plan::Kind::Binary`].
///
/// # Errors
/// A step that contradicts its tensors, or an integer division by zero.
pub fn binary(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    match operands.input_tensor(0)?.dtype {
        DType::F64 => binary_slices::<f64>(&mut operands, step),
        DType::U64 => binary_slices::<u64>(&mut operands, step),
        dtype => binary_ints(&mut operands, step, dtype),
    }
}

fn binary_slices<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let op = params::<step::Binary>(step)?.op;
    let layouts = Layouts::of(operands)?;
    if compares(op) {
        let (a, b) = (operands.input::<W>(0)?, operands.input::<W>(1)?);
        let (a, b) = layouts.operands(Some(a), Some(b));
        return Ok(kernel::binary(op, &a, &b, &mut Truths(bools(operands)?), &layouts.y)?);
    }
    let (a, b) = layouts.operands(operands.source::<W>(0)?, operands.source::<W>(1)?);
    Ok(kernel::binary(op, &a, &b, operands.output::<W>(0)?, &layouts.y)?)
}

fn binary_ints(operands: &mut Operands<'_>, step: &Step<'_>, dtype: DType) -> Result {
    let op = params::<step::Binary>(step)?.op;
    let layouts = Layouts::of(operands)?;
    let signed = matches!(dtype, DType::I8 | DType::I16 | DType::I32 | DType::I64);
    require(operands.input_tensor(1)?.dtype == dtype)?;
    require(operands.output_tensor(0)?.dtype == if compares(op) { DType::Bool } else { dtype })?;
    // A logical shift needs the width of the type, which widening to 64 bits keeps for unsigned ones only.
    require(!(signed && op == op::Binary::ShiftRight))?;
    let (a, b) = (operands.ints(0)?, operands.ints(1)?);
    let (a, b) = layouts.operands(a.as_ref(), b.as_ref());
    Ok(kernel::binary::<i64, _, _>(op, &a, &b, &mut operands.ints_mut(0)?, &layouts.y)?)
}

/// Chooses between two tensors, [`mote_plan::Kind::Select`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn select(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    let dtype = operands.output_tensor(0)?.dtype;
    require(operands.input_tensor(0)?.dtype == DType::Bool)?;
    require(operands.input_tensor(1)?.dtype == dtype && operands.input_tensor(2)?.dtype == dtype)?;
    by_size!(dtype.size(), T => select_bits::<T>(&mut operands))
}

fn select_bits<T: Plain + Default>(operands: &mut Operands<'_>) -> Result {
    let (condition, a, b) = (operands.input_layout(0)?, operands.input_layout(1)?, operands.input_layout(2)?);
    let y_layout = operands.output_layout(0)?;
    let a = Operand { data: operands.source_bits::<T>(1)?, layout: &a };
    let b = Operand { data: operands.source_bits::<T>(2)?, layout: &b };
    let conditions = operands.input::<u8>(0)?;
    Ok(kernel::select(conditions, &condition, &a, &b, operands.output_bits(0)?, &y_layout)?)
}

/// The layouts of a binary step.
struct Layouts {
    a: Layout,
    b: Layout,
    y: Layout,
}

impl Layouts {
    fn of(operands: &Operands<'_>) -> Result<Self> {
        Ok(Self { a: operands.input_layout(0)?, b: operands.input_layout(1)?, y: operands.output_layout(0)? })
    }

    fn operands<'s, X: ?Sized>(&'s self, a: Option<&'s X>, b: Option<&'s X>) -> (Operand<'s, X>, Operand<'s, X>) {
        (Operand { data: a, layout: &self.a }, Operand { data: b, layout: &self.b })
    }
}

fn compares(op: op::Binary) -> bool {
    use op::Binary as Op;
    matches!(op, Op::Equal | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual)
}

fn bools<'v>(operands: &mut Operands<'v>) -> Result<&'v mut [u8]> {
    require(operands.output_tensor(0)?.dtype == DType::Bool)?;
    operands.output(0)
}
