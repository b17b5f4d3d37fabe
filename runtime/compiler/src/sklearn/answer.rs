//! What estimators answer, before it is named.

use mote_pickle::{Array, Data, Node};

use super::error::EstimatorError;
use super::fields::Fields;
use super::net::{Made, Net};
use crate::graph::ValueId;

/// The classes of a classifier.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Classes {
    /// Labels that are numbers.
    Numbers(Vec<i64>),
    /// Labels that are text; an answer is an index among them.
    Names(Vec<String>),
}

/// What a classifier answers for each row.
#[derive(Clone)]
pub(super) struct Classified {
    pub(super) classes: Classes,
    /// Index among the classes, `[rows]` i64.
    pub(super) index: ValueId,
    /// `predict_proba`, `[rows, classes]`.
    pub(super) probabilities: Option<ValueId>,
    /// `decision_function`: `[rows, 1]` for two classes, else a column for each class or pair of classes.
    pub(super) decision: Option<ValueId>,
}

/// What an estimator answers for each row.
pub(super) enum Answer {
    Classified(Classified),
    /// `predict` of a regressor, `[rows, targets]`.
    Predicted(ValueId),
    /// `predict`, -1 or 1, and `decision_function`, `[rows, 1]`.
    Outliers {
        label: ValueId,
        decision: ValueId,
    },
    /// `predict` and, where there is one, `transform` or `predict_proba`.
    Clustered {
        label: ValueId,
        distances: Option<ValueId>,
        probabilities: Option<ValueId>,
    },
    /// `transform`.
    Transformed(ValueId),
}

impl Classes {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, EstimatorError> {
        Self::of(fields, "classes_", fields.get("classes_")?)
    }

    pub(super) fn of(fields: &Fields<'_>, name: &'static str, node: Node<'_>) -> Result<Self, EstimatorError> {
        let want = "an array of integers or text";
        let array: &Array = node.array().ok_or_else(|| fields.wrong(name, want))?;
        let whole = |&value: &f64| Some(value as i64).filter(|&i| i as f64 == value);
        let classes = match &array.data {
            Data::Int(values) => Some(Self::Numbers(values.clone())),
            Data::Float(values) => values.iter().map(whole).collect::<Option<_>>().map(Self::Numbers),
            Data::Text(values) => Some(Self::Names(values.clone())),
            Data::Object(_) => {
                let items = || node.items().into_iter().flatten();
                let names: Option<Vec<String>> = items().map(|item| item.text().map(str::to_owned)).collect();
                let number = |item: Node<'_>| item.int().or(item.bool().map(i64::from));
                names.map(Self::Names).or_else(|| items().map(number).collect::<Option<_>>().map(Self::Numbers))
            }
            Data::Record(_) => None,
        };
        let classes = classes.filter(|_| array.shape.len() == 1).ok_or_else(|| fields.wrong(name, want))?;
        if classes.len() == 0 { Err(fields.wrong(name, want)) } else { Ok(classes) }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Names(names) => names.len(),
        }
    }

    /// Places of other classes among these.
    pub(super) fn places(&self, of: &Self) -> Option<Vec<usize>> {
        match (self, of) {
            (Self::Numbers(all), Self::Numbers(of)) => of.iter().map(|c| all.iter().position(|a| a == c)).collect(),
            (Self::Names(all), Self::Names(of)) => of.iter().map(|c| all.iter().position(|a| a == c)).collect(),
            _ => None,
        }
    }
}

impl Classified {
    /// Classes by the largest probability, the first of equals.
    pub(super) fn likeliest(net: &mut Net, classes: Classes, probabilities: ValueId) -> Result<Self, crate::Reason> {
        let index = net.arg_max(probabilities)?;
        Ok(Self { classes, index, probabilities: Some(probabilities), decision: None })
    }

    /// Classes by a decision of one column for two classes, else of one for each.
    pub(super) fn decided(net: &mut Net, classes: Classes, decision: ValueId) -> Result<Self, crate::Reason> {
        let index = if net.width(decision) == 1 { net.above(decision, 0.0)? } else { net.arg_max(decision)? };
        Ok(Self { classes, index, probabilities: None, decision: Some(decision) })
    }

    pub(super) fn with_probabilities(mut self, probabilities: ValueId) -> Self {
        self.probabilities = Some(probabilities);
        self
    }

    /// The label: the class itself where it is a number, else its index; `[rows]` i64.
    pub(super) fn label(&self, net: &mut Net) -> Made {
        match &self.classes {
            Classes::Numbers(values) if !values.iter().enumerate().all(|(i, &v)| v == i as i64) => {
                let values = net.i64s(values)?;
                net.emit.gather(values, self.index, 0)
            }
            _ => Ok(self.index),
        }
    }

    /// The index among the classes of an ensemble whose members may have seen only some of them; `[rows]` i64.
    pub(super) fn index_among(&self, net: &mut Net, places: &[usize]) -> Made {
        if places.iter().enumerate().all(|(i, &place)| i == place) {
            return Ok(self.index);
        }
        let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let places = net.i64s(&places)?;
        net.emit.gather(places, self.index, 0)
    }
}
