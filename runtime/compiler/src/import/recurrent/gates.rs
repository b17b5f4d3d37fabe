//! The functions of gates and their constants, as the attributes of a recurrent layer name them.

use mote_abi::op::Unary;

use crate::error::Reason;
use crate::import::node::Cx;

/// A gate function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gate {
    pub(super) op: Unary,
    pub(super) alpha: f32,
    pub(super) beta: f32,
}

/// A constant of a function: it has none, one that must be given, or one with a default.
#[derive(Clone, Copy)]
enum Constant {
    Fixed(f32),
    Given,
    Default(f32),
}

use Constant::{Default, Fixed, Given};

/// Names and constants of the functions. ONNX states no defaults for Affine and ScaledTanh, and ONNX Runtime takes
/// another one than the operator's for ThresholdedRelu.
const FUNCTIONS: [(&str, Unary, Constant, Constant); 11] = [
    ("relu", Unary::Clamp, Fixed(0.0), Fixed(f32::INFINITY)),
    ("tanh", Unary::Tanh, Fixed(1.0), Fixed(0.0)),
    ("sigmoid", Unary::Sigmoid, Fixed(1.0), Fixed(0.0)),
    ("softsign", Unary::Softsign, Fixed(1.0), Fixed(0.0)),
    ("softplus", Unary::Softplus, Fixed(1.0), Fixed(0.0)),
    ("affine", Unary::Affine, Given, Given),
    ("scaledtanh", Unary::ScaledTanh, Given, Given),
    ("thresholdedrelu", Unary::ThresholdedRelu, Given, Fixed(0.0)),
    ("leakyrelu", Unary::LeakyRelu, Default(0.01), Fixed(0.0)),
    ("elu", Unary::Elu, Default(1.0), Fixed(0.0)),
    ("hardsigmoid", Unary::HardSigmoid, Default(0.2), Default(0.5)),
];

impl Gate {
    /// A function that the engine knows the constants of.
    pub(super) const fn plain(op: Unary) -> Self {
        Self { op, alpha: 1.0, beta: 0.0 }
    }

    /// Whether the constants are those that a kernel takes by itself.
    pub(super) fn is_default(&self) -> bool {
        let row = FUNCTIONS.iter().find(|row| row.1 == self.op);
        let known = |constant: Constant, value: f32| match constant {
            Fixed(v) | Default(v) => v.to_bits() == value.to_bits(),
            Given => false,
        };
        row.is_some_and(|&(.., alpha, beta)| known(alpha, self.alpha) && known(beta, self.beta))
    }
}

/// Reads the functions of every direction, `defaults` where the layer names none.
pub(super) fn read(cx: &Cx<'_>, defaults: &[Unary], directions: usize) -> Result<Vec<Gate>, Reason> {
    let mut alphas = Values::read(cx, "activation_alpha")?;
    let mut betas = Values::read(cx, "activation_beta")?;
    let Some(names) = cx.texts("activations")? else {
        return Ok(defaults.iter().map(|&op| Gate::plain(op)).collect::<Vec<_>>().repeat(directions));
    };
    if names.len() != defaults.len() * directions {
        return Err(Reason::AttributeValue { name: "activations", got: format!("{names:?}") });
    }
    let rows = names.iter().map(|name| {
        let found = FUNCTIONS.iter().find(|row| name.eq_ignore_ascii_case(row.0));
        found.ok_or_else(|| Reason::AttributeValue { name: "activations", got: (*name).to_owned() })
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut gates = Vec::with_capacity(rows.len());
    for (i, &&(_, op, alpha, beta)) in rows.iter().enumerate() {
        gates.push(Gate { op, alpha: alphas.take(alpha, i, rows.len())?, beta: betas.take(beta, i, rows.len())? });
    }
    Ok(gates)
}

/// The values of one attribute. ONNX hands them out in the order of the functions that take one; some exporters write
/// one for each function instead. Where the two readings differ, neither is right.
struct Values {
    name: &'static str,
    given: Vec<f32>,
    taken: usize,
}

impl Values {
    fn read(cx: &Cx<'_>, name: &'static str) -> Result<Self, Reason> {
        Ok(Self { name, given: cx.optional_floats_attribute(name)?.unwrap_or_default(), taken: 0 })
    }

    /// The constant of the i-th of so many functions.
    fn take(&mut self, constant: Constant, i: usize, functions: usize) -> Result<f32, Reason> {
        let default = match constant {
            Fixed(value) => return Ok(value),
            Given => None,
            Default(value) => Some(value),
        };
        let next = self.given.get(self.taken).copied();
        self.taken += 1;
        let in_place = self.given.get(i).copied().filter(|_| self.given.len() == functions);
        match (next, in_place) {
            (Some(next), Some(in_place)) if next.to_bits() != in_place.to_bits() => Err(self.refused()),
            (Some(next), _) => Ok(next),
            (None, _) => default.ok_or(Reason::MissingAttribute(self.name)),
        }
    }

    fn refused(&self) -> Reason {
        Reason::AttributeValue { name: self.name, got: format!("{:?}", self.given) }
    }
}
