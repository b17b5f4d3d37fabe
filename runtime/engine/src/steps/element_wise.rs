use mote_abi::{DType, op};
use mote_kernels::select::{self as kernel, Operand};
use mote_kernels::{Floats, Layout, Number};
use mote_plan::{Plan, Step, step};

use super::{params, require};
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::Result;

/// Functions of one f32 tensor, [`mote_plan::Kind::Unary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn unary_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    unary_floats::<f32>(&mut arena.operands(plan, step, Overlap::InPlace)?, step)
}

/// Functions of one f64 tensor, [`mote_plan::Kind::Unary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn unary_f64(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    unary_floats::<f64>(&mut arena.operands(plan, step, Overlap::InPlace)?, step)
}

/// Functions of one tensor of another type, [`mote_plan::Kind::Unary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn unary(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
    require(operands.output_tensor(0)?.dtype == operands.input_tensor(0)?.dtype)?;
    let (x, mut y) = (operands.ints(0)?, operands.ints_mut(0)?);
    Ok(kernel::unary::<i64, _, _>(&function(step)?, x.as_ref(), &x_layout, &mut y, &y_layout)?)
}

fn unary_floats<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let function = function(step)?;
    let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
    let asks = matches!(function.op, op::Unary::IsNan | op::Unary::IsInf);
    let (x, mut y) = (operands.source::<W>(0)?, floats(operands, asks)?);
    Ok(kernel::unary::<W, [W], _>(&function, x, &x_layout, &mut y, &y_layout)?)
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
    binary_floats::<f32>(&mut arena.operands(plan, step, Overlap::InPlace)?, step)
}

/// Functions of two f64 tensors, [`mote_plan::Kind::Binary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn binary_f64(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    binary_floats::<f64>(&mut arena.operands(plan, step, Overlap::InPlace)?, step)
}

/// Functions of two tensors of another type, [`mote_plan::Kind::Binary`].
///
/// # Errors
/// A step that contradicts its tensors, or an integer division by zero.
pub fn binary(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    let op = params::<step::Binary>(step)?.op;
    let layouts = Layouts::of(&operands)?;
    let dtype = operands.input_tensor(0)?.dtype;
    let signed = matches!(dtype, DType::I8 | DType::I16 | DType::I32 | DType::I64);
    require(operands.input_tensor(1)?.dtype == dtype)?;
    require(operands.output_tensor(0)?.dtype == if compares(op) { DType::Bool } else { dtype })?;
    // A logical shift needs the width of the type, which widening to 64 bits keeps for unsigned ones only.
    require(!(signed && op == op::Binary::ShiftRight) && (signed || op != op::Binary::ShiftRightSigned))?;
    let (a, b, mut y) = (operands.ints(0)?, operands.ints(1)?, operands.ints_mut(0)?);
    let (a, b) = layouts.operands(a.as_ref(), b.as_ref());
    Ok(kernel::binary::<i64, _, _>(op, &a, &b, &mut y, &layouts.y)?)
}

fn binary_floats<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let op = params::<step::Binary>(step)?.op;
    let layouts = Layouts::of(operands)?;
    let (a, b) = layouts.operands(operands.source::<W>(0)?, operands.source::<W>(1)?);
    let mut y = floats(operands, compares(op))?;
    Ok(kernel::binary::<W, [W], _>(op, &a, &b, &mut y, &layouts.y)?)
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
    let (c_layout, a_layout, b_layout) =
        (operands.input_layout(0)?, operands.input_layout(1)?, operands.input_layout(2)?);
    let y_layout = operands.output_layout(0)?;
    let a = Operand { data: operands.source_bytes(1)?, layout: &a_layout };
    let b = Operand { data: operands.source_bytes(2)?, layout: &b_layout };
    let (condition, y) = (operands.input(0)?, operands.output_bytes(0)?);
    Ok(kernel::select(dtype.size() as usize, (condition, &c_layout), &a, &b, y, &y_layout)?)
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

/// The output of a float function: a bool tensor where the function `asks` something.
fn floats<'v, W: Plain>(operands: &mut Operands<'v>, asks: bool) -> Result<Floats<'v, W>> {
    if !asks {
        return operands.output(0).map(Floats::Numbers);
    }
    require(operands.output_tensor(0)?.dtype == DType::Bool)?;
    operands.output(0).map(Floats::Truths)
}
