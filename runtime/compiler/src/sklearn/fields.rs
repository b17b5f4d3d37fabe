//! Attributes of an estimator, by name and type.

use mote_pickle::{Array, Data, Node};

use super::error::{EstimatorError, Refusal};

/// Attributes of one estimator.
#[derive(Clone, Copy)]
pub(super) struct Fields<'d> {
    node: Node<'d>,
    pub(super) class: &'static str,
}

/// A matrix of numbers, row-major. A vector is one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) data: Vec<f64>,
}

impl Matrix {
    pub(super) fn from_fn(rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) -> Self {
        let data = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| at(r, c)).collect();
        Self { rows, columns, data }
    }

    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.data[row * self.columns + column]
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }

    pub(super) fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |r, c| self.at(c, r))
    }
}

impl<'d> Fields<'d> {
    /// The attributes of an object; `None` for what is none.
    pub(super) fn of(node: Node<'d>) -> Option<Self> {
        Some(Self { node, class: node.class()?.name })
    }

    pub(super) fn refuse(&self, reason: impl Into<Refusal>) -> EstimatorError {
        EstimatorError::Refused { class: self.class, reason: reason.into() }
    }

    pub(super) fn form(&self, why: &'static str) -> EstimatorError {
        self.refuse(Refusal::Form(why))
    }

    /// A parameter that has a value which is not supported.
    pub(super) fn parameter(&self, name: &'static str, value: impl Into<String>) -> EstimatorError {
        self.refuse(Refusal::Parameter { name, value: value.into() })
    }

    pub(super) fn wrong(&self, name: &'static str, want: &'static str) -> EstimatorError {
        self.refuse(Refusal::Attribute { name, want })
    }

    pub(super) fn shape(&self, name: &'static str, got: &[usize], want: &'static str) -> EstimatorError {
        self.refuse(Refusal::Shape { name, got: got.to_vec(), want })
    }

    /// An attribute that may be absent.
    pub(super) fn find(&self, name: &str) -> Option<Node<'d>> {
        self.node.get(name)
    }

    /// An attribute that may be absent or None.
    pub(super) fn some(&self, name: &str) -> Option<Node<'d>> {
        self.find(name).filter(|node| !node.is_none())
    }

    pub(super) fn get(&self, name: &'static str) -> Result<Node<'d>, EstimatorError> {
        self.find(name).ok_or_else(|| self.refuse(Refusal::Missing(name)))
    }

    pub(super) fn bool(&self, name: &'static str) -> Result<bool, EstimatorError> {
        self.get(name)?.bool().ok_or_else(|| self.wrong(name, "a bool"))
    }

    /// A parameter that older versions do not have.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, EstimatorError> {
        self.find(name).map_or(Ok(false), |_| self.bool(name))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'d str, EstimatorError> {
        self.get(name)?.text().ok_or_else(|| self.wrong(name, "text"))
    }

    pub(super) fn float(&self, name: &'static str) -> Result<f64, EstimatorError> {
        let node = self.get(name)?;
        let single = || numbers(node).filter(|values| values.len() == 1).map(|values| values[0]);
        node.float().or_else(single).ok_or_else(|| self.wrong(name, "a number"))
    }

    pub(super) fn count(&self, name: &'static str) -> Result<usize, EstimatorError> {
        let count = self.get(name)?.int().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.wrong(name, "a count"))
    }

    /// Numbers of an array or list of any shape.
    pub(super) fn floats(&self, name: &'static str) -> Result<Vec<f64>, EstimatorError> {
        numbers(self.get(name)?).ok_or_else(|| self.wrong(name, "an array of numbers"))
    }

    /// As many numbers as given.
    pub(super) fn vector(&self, name: &'static str, count: usize) -> Result<Vec<f64>, EstimatorError> {
        let values = self.floats(name)?;
        if values.len() == count { Ok(values) } else { Err(self.shape(name, &[values.len()], "one number for each")) }
    }

    /// Indices below a bound.
    pub(super) fn indices(&self, name: &'static str, below: usize) -> Result<Vec<usize>, EstimatorError> {
        let values = self.floats(name)?;
        let index = |&value: &f64| Some(value as usize).filter(|&i| i < below && i as f64 == value);
        values.iter().map(index).collect::<Option<_>>().ok_or_else(|| self.wrong(name, "indices"))
    }

    /// A matrix; one dimension counts as one row.
    pub(super) fn matrix(&self, name: &'static str) -> Result<Matrix, EstimatorError> {
        let node = self.get(name)?;
        let array = node.array().ok_or_else(|| self.wrong(name, "an array"))?;
        self.matrix_of(name, array)
    }

    pub(super) fn matrix_of(&self, name: &'static str, array: &Array) -> Result<Matrix, EstimatorError> {
        let data = floats(array).ok_or_else(|| self.wrong(name, "an array of numbers"))?;
        let (rows, columns) = match array.shape[..] {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => return Err(self.shape(name, &array.shape, "a matrix")),
        };
        Ok(Matrix { rows, columns, data })
    }

    pub(super) fn array(&self, name: &'static str) -> Result<&'d Array, EstimatorError> {
        self.get(name)?.array().ok_or_else(|| self.wrong(name, "an array"))
    }

    /// Elements of a list, tuple or array of objects.
    pub(super) fn list(&self, name: &'static str) -> Result<Vec<Node<'d>>, EstimatorError> {
        self.get(name)?.items().map(Iterator::collect).ok_or_else(|| self.wrong(name, "a list"))
    }

    /// The attributes of an object in an attribute.
    pub(super) fn child(&self, name: &'static str) -> Result<Fields<'d>, EstimatorError> {
        Fields::of(self.get(name)?).ok_or_else(|| self.wrong(name, "an object"))
    }

    /// Whether the estimator was stored by this version of scikit-learn or a later one.
    pub(super) fn since(&self, major: u32, minor: u32) -> bool {
        let version = self.find("_sklearn_version").and_then(Node::text).unwrap_or_default();
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }
}

/// Numbers of an array, a list or a single one.
pub(super) fn numbers(node: Node<'_>) -> Option<Vec<f64>> {
    let number = |node: Node<'_>| node.float().or(node.bool().map(|b| f64::from(u8::from(b))));
    if let Some(array) = node.array()
        && let Some(values) = floats(array)
    {
        return Some(values);
    }
    match node.items() {
        Some(items) => items.map(number).collect(),
        None => number(node).map(|value| vec![value]),
    }
}

/// Numbers of an array.
pub(super) fn floats(array: &Array) -> Option<Vec<f64>> {
    match &array.data {
        Data::Float(values) => Some(values.clone()),
        Data::Int(values) => Some(values.iter().map(|&value| value as f64).collect()),
        _ => None,
    }
}
