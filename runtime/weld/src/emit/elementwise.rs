//! Element-wise functions of f32 that are a few instructions: everything else, exponentials above all, is the image's.

use mote_abi::{DType, op};
use mote_plan::{Tensor, step};

use super::asm::{Asm, Bounds, Ptr, Vec4};
use super::{Address, Call, Site};

/// Elements that one turn of the inner loop takes.
const TURN: u32 = 16;

pub(super) fn unary(site: &Site<'_>) -> Option<Call> {
    let params: step::Unary = site.step.params()?;
    let (x, y) = (site.input(0)?, site.output(0)?);
    if x.dims() != y.dims() || !is_written(params.op) {
        return None;
    }
    let (alpha, beta) = (params.alpha, params.beta);
    elementwise(site, &[x], &y, |asm, values| write_unary(asm, values[0], params.op, alpha, beta))
}

pub(super) fn binary(site: &Site<'_>) -> Option<Call> {
    let params: step::Binary = site.step.params()?;
    let (a, b, y) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let written =
        matches!(params.op, op::Binary::Add | op::Binary::Sub | op::Binary::Mul | op::Binary::Div | op::Binary::PRelu);
    if !written {
        return None;
    }
    elementwise(site, &[a, b], &y, |asm, values| write_binary(asm, values[0], values[1], params.op))
}

const fn is_written(op: op::Unary) -> bool {
    use op::Unary as U;
    matches!(
        op,
        U::Abs
            | U::Neg
            | U::Ceil
            | U::Floor
            | U::Round
            | U::Sqrt
            | U::Reciprocal
            | U::Clamp
            | U::LeakyRelu
            | U::Softsign
            | U::HardSigmoid
            | U::HardSwish
            | U::ThresholdedRelu
    )
}

/// `x = op(x)`, operation for operation as `kernels/ORDER.md` has it.
fn write_unary(asm: &mut Asm, x: Vec4, op: op::Unary, alpha: f32, beta: f32) {
    use op::Unary as U;
    match op {
        U::Abs => asm.apply(x, x, |i| {
            i.f32x4_abs();
        }),
        U::Neg => asm.apply(x, x, |i| {
            i.f32x4_neg();
        }),
        U::Ceil => asm.apply(x, x, |i| {
            i.f32x4_ceil();
        }),
        U::Floor => asm.apply(x, x, |i| {
            i.f32x4_floor();
        }),
        U::Round => asm.apply(x, x, |i| {
            i.f32x4_nearest();
        }),
        U::Sqrt => asm.apply(x, x, |i| {
            i.f32x4_sqrt();
        }),
        U::Reciprocal => {
            let one = asm.vec4();
            asm.splat(one, 1.0);
            asm.combine(x, one, x, |i| {
                i.f32x4_div();
            });
        }
        U::Clamp => asm.clamp(x, Bounds::new(alpha, beta)),
        U::LeakyRelu => {
            let (negative, scaled) = (asm.vec4(), asm.vec4());
            asm.combine_splat(negative, x, 0.0, |i| {
                i.f32x4_lt();
            });
            asm.combine_splat(scaled, x, alpha, |i| {
                i.f32x4_mul();
            });
            asm.choose(x, negative, scaled, x);
        }
        U::Softsign => {
            let below = asm.vec4();
            asm.apply(below, x, |i| {
                i.f32x4_abs();
            });
            asm.combine_splat(below, below, 1.0, |i| {
                i.f32x4_add();
            });
            asm.combine(x, x, below, |i| {
                i.f32x4_div();
            });
        }
        U::HardSigmoid => write_ramp(asm, x, x, alpha, beta),
        U::HardSwish => {
            let gate = asm.vec4();
            write_ramp(asm, gate, x, 1.0 / 6.0, 0.5);
            asm.combine(x, x, gate, |i| {
                i.f32x4_mul();
            });
        }
        _ => {
            debug_assert_eq!(op, U::ThresholdedRelu);
            let above = asm.vec4();
            asm.combine_splat(above, x, alpha, |i| {
                i.f32x4_gt();
            });
            asm.combine(x, x, above, |i| {
                i.v128_and();
            });
        }
    }
}

/// `to = clamp(alpha * x + beta, 0, 1)`.
fn write_ramp(asm: &mut Asm, to: Vec4, x: Vec4, alpha: f32, beta: f32) {
    asm.combine_splat(to, x, alpha, |i| {
        i.f32x4_mul();
    });
    asm.combine_splat(to, to, beta, |i| {
        i.f32x4_add();
    });
    asm.clamp(to, Bounds::new(0.0, 1.0));
}

/// `a = op(a, b)`.
fn write_binary(asm: &mut Asm, a: Vec4, b: Vec4, op: op::Binary) {
    use op::Binary as B;
    if op == B::PRelu {
        let (negative, scaled) = (asm.vec4(), asm.vec4());
        asm.combine_splat(negative, a, 0.0, |i| {
            i.f32x4_lt();
        });
        asm.combine(scaled, a, b, |i| {
            i.f32x4_mul();
        });
        asm.choose(a, negative, scaled, a);
        return;
    }
    asm.combine(a, a, b, |i| {
        match op {
            B::Add => i.f32x4_add(),
            B::Sub => i.f32x4_sub(),
            B::Mul => i.f32x4_mul(),
            _ => i.f32x4_div(),
        };
    });
}

/// Operands of a step: the output, then the inputs.
const OPERANDS: usize = 3;

/// One axis of the common index space: its length, and the distance in bytes between neighbours of each operand, 0 where
/// it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    count: u32,
    steps: [u32; OPERANDS],
}

fn elementwise(site: &Site<'_>, inputs: &[Tensor], y: &Tensor, write: impl Fn(&mut Asm, &[Vec4])) -> Option<Call> {
    let operands: Vec<&Tensor> = std::iter::once(y).chain(inputs).collect();
    if operands.iter().any(|tensor| tensor.dtype != DType::F32) || y.dims().contains(&0) {
        return None;
    }
    let mut axes = axes(&operands)?;
    let run = axes.pop().unwrap_or(Axis { count: 1, steps: [4; OPERANDS] });
    let contiguous = run.steps[0] == 4 && run.steps.iter().all(|&step| step == 4 || step == 0);
    if !contiguous {
        return None;
    }

    let args: Vec<Address> = operands.iter().map(|tensor| Address::of(tensor)).collect();
    let mut asm = Asm::new(site.flavour.profile, args.len() as u32);
    let mut bases = Vec::new();
    for (i, tensor) in (0..).zip(&operands) {
        let base = asm.ptr();
        asm.offset(base, asm.param(i), tensor.start() * 4);
        bases.push(base);
    }
    nest(&mut asm, &axes, &bases, &|asm, at| write_run(asm, run, at, &write));
    Some(Call { body: asm.finish(), args })
}

/// The axes of the output, outermost first, with neighbours merged wherever every operand runs on.
fn axes(operands: &[&Tensor]) -> Option<Vec<Axis>> {
    let rank = operands[0].dims().len();
    let mut axes: Vec<Axis> = Vec::new();
    for axis in 0..rank {
        let count = operands[0].dims()[axis];
        let mut steps = [0; OPERANDS];
        for (step, tensor) in steps.iter_mut().zip(operands) {
            let missing = rank.checked_sub(tensor.dims().len())?;
            let Some(own) = axis.checked_sub(missing) else { continue };
            let extent = tensor.dims()[own];
            if extent != count && extent != 1 {
                return None;
            }
            if extent == count {
                *step = tensor.strides()[own] * 4;
            }
        }
        if count == 1 {
            continue;
        }
        let inner = Axis { count, steps };
        match axes.last_mut() {
            Some(outer) if merges(outer, &inner) => *outer = Axis { count: outer.count * count, steps },
            _ => axes.push(inner),
        }
    }
    Some(axes)
}

fn merges(outer: &Axis, inner: &Axis) -> bool {
    outer
        .steps
        .iter()
        .zip(inner.steps)
        .all(|(&outer, step)| u64::from(outer) == u64::from(step) * u64::from(inner.count))
}

/// Loops over the axes and calls the body with pointers to the run.
fn nest(asm: &mut Asm, axes: &[Axis], from: &[Ptr], body: &dyn Fn(&mut Asm, &[Ptr])) {
    let Some((axis, inner)) = axes.split_first() else {
        body(asm, from);
        return;
    };
    let at: Vec<Ptr> = from.iter().map(|_| asm.ptr()).collect();
    for (&at, &from) in at.iter().zip(from) {
        asm.offset(at, from, 0);
    }
    asm.repeat(axis.count, |asm| {
        nest(asm, inner, &at, body);
        for (&at, &step) in at.iter().zip(&axis.steps) {
            asm.advance(at, step);
        }
    });
}

/// One run of neighbours: turns of 16, then single vectors, then lanes.
fn write_run(asm: &mut Asm, run: Axis, from: &[Ptr], write: &impl Fn(&mut Asm, &[Vec4])) {
    let at: Vec<Ptr> = from.iter().map(|_| asm.ptr()).collect();
    for (&at, &from) in at.iter().zip(from) {
        asm.offset(at, from, 0);
    }
    let repeated: Vec<Option<Vec4>> =
        at.iter().zip(run.steps).map(|(&at, step)| splat_where_repeated(asm, at, step)).collect();
    let vector = |asm: &mut Asm, offset: u32, lanes: u32| {
        let mut values = Vec::new();
        for (&at, repeated) in at.iter().zip(&repeated).skip(1) {
            let value = asm.vec4();
            match *repeated {
                Some(splat) => asm.assign(value, splat),
                None => asm.load_lanes(value, at, offset, lanes),
            }
            values.push(value);
        }
        write(asm, &values);
        asm.store_lanes(values[0], at[0], offset, lanes);
    };
    asm.repeat(run.count / TURN, |asm| {
        for offset in (0..TURN * 4).step_by(16) {
            vector(asm, offset, 4);
        }
        for (&at, step) in at.iter().zip(run.steps) {
            asm.advance(at, step * TURN);
        }
    });
    let mut done = 0;
    let over = run.count % TURN;
    while done < over {
        let lanes = (over - done).min(4);
        vector(asm, done * 4, lanes);
        done += lanes;
    }
}

fn splat_where_repeated(asm: &mut Asm, at: Ptr, step: u32) -> Option<Vec4> {
    (step == 0).then(|| {
        let value = asm.vec4();
        asm.load_splat(value, at, 0);
        value
    })
}
