//! Which keys a query sees, as what is added to its scores.

use mote_abi::DType;
use mote_abi::op::Binary;

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::node::Cx;

/// How far a query sees from its own position; `None` is to the end.
#[derive(Clone, Copy)]
pub(crate) struct Band {
    pub(crate) left: Option<i64>,
    pub(crate) right: Option<i64>,
}

impl Band {
    /// Keys up to the query's own position.
    pub(crate) const CAUSAL: Self = Self { left: None, right: Some(0) };

    /// Reads the attributes of the standard's operator.
    pub(crate) fn read(cx: &Cx<'_>) -> Result<Self, Reason> {
        let side = |name: &'static str| match cx.int(name, -1)? {
            -1 => Ok(None),
            n if n >= 0 => Ok(Some(n)),
            got => Err(Reason::AttributeValue { name, got: got.to_string() }),
        };
        let (left, right) = (side("left_window_size")?, side("right_window_size")?);
        let right = if cx.flag("is_causal", false)? { Some(0) } else { right };
        Ok(Self { left, right })
    }

    fn sees(self, position: i64, key: i64) -> bool {
        let distance = key - position;
        self.left.is_none_or(|left| distance >= -left) && self.right.is_none_or(|right| distance <= right)
    }
}

/// What is known of the keys that queries may see.
pub(crate) struct Mask {
    dtype: DType,
    queries: usize,
    keys: usize,
    /// Bool, broadcast to `[B, N, S, T]`; `None` allows all.
    allowed: Option<ValueId>,
    /// Added to the scores.
    added: Option<ValueId>,
}

impl Mask {
    pub(crate) fn new(dtype: DType, queries: usize, keys: usize) -> Self {
        Self { dtype, queries, keys, allowed: None, added: None }
    }

    /// Takes a mask of the model: bool allows, numbers are added. It may end before the last key, which then is not seen.
    pub(crate) fn add(&mut self, cx: &mut Cx<'_>, mask: ValueId) -> Result<(), Reason> {
        let mut dims = cx.dims(mask);
        let Some(last) = dims.last_mut() else { return Err(Reason::Shape { what: "the mask", got: dims }) };
        if *last > self.keys {
            return Err(Reason::Shape { what: "the mask", got: dims });
        }
        let axis = dims.len() - 1;
        let mut whole = mask;
        if dims[axis] < self.keys {
            dims[axis] = self.keys - dims[axis];
            let dtype = cx.dtype(mask);
            let hidden = if dtype == DType::Bool { 0.0 } else { f64::NEG_INFINITY };
            let rest = cx.filled(dtype, dims, hidden)?;
            whole = cx.concat(&[mask, rest], axis)?;
        }
        match cx.dtype(mask) {
            DType::Bool => self.allow(cx, whole),
            dtype if dtype == self.dtype => self.shift(cx, whole),
            other => Err(Reason::Types(self.dtype, other)),
        }
    }

    /// Hides keys from `valid[b]` on, and answers the position of each batch's first query, `[B, 1, 1, 1]`.
    pub(crate) fn valid_keys(&mut self, cx: &mut Cx<'_>, valid: ValueId, batch: usize) -> Result<ValueId, Reason> {
        if cx.dims(valid) != [batch] {
            return Err(Reason::Shape { what: "the number of valid keys", got: cx.dims(valid) });
        }
        let valid = cx.cast(valid, DType::I64)?;
        let valid = cx.reshape(valid, vec![batch, 1, 1, 1])?;
        let keys: Vec<i64> = (0..self.keys as i64).collect();
        let keys = cx.i64s(vec![self.keys], &keys)?;
        let seen = cx.binary(Binary::Less, keys, valid)?;
        self.allow(cx, seen)?;
        let queries = cx.i64s(vec![], &[self.queries as i64])?;
        cx.binary(Binary::Sub, valid, queries)
    }

    /// Hides keys outside a band around each query; the first query is at position `offset`, a scalar or `[B, 1, 1, 1]`.
    pub(crate) fn band(&mut self, cx: &mut Cx<'_>, band: Band, offset: ValueId) -> Result<(), Reason> {
        let pairs = (0..self.queries as i64).flat_map(|i| (0..self.keys as i64).map(move |j| (i, j)));
        if let Some(&[offset]) = cx.ints(offset).as_deref() {
            let seen: Vec<bool> = pairs.map(|(i, j)| band.sees(offset.saturating_add(i), j)).collect();
            if seen.contains(&false) {
                let seen = cx.bools(vec![self.queries, self.keys], &seen)?;
                self.allow(cx, seen)?;
            }
            return Ok(());
        }
        let distances: Vec<i64> = pairs.map(|(i, j)| j - i).collect();
        let distance = cx.i64s(vec![self.queries, self.keys], &distances)?;
        let limits = [(band.left.map(|n| -n), Binary::GreaterOrEqual), (band.right, Binary::LessOrEqual)];
        for (limit, holds) in limits {
            let Some(limit) = limit else { continue };
            let limit = cx.i64s(vec![], &[limit])?;
            let limit = cx.binary(Binary::Add, offset, limit)?;
            let seen = cx.binary(holds, distance, limit)?;
            self.allow(cx, seen)?;
        }
        Ok(())
    }

    /// Hides where `seen` is false.
    pub(crate) fn allow(&mut self, cx: &mut Cx<'_>, seen: ValueId) -> Result<(), Reason> {
        self.allowed = Some(match self.allowed {
            Some(allowed) => cx.binary(Binary::And, allowed, seen)?,
            None => seen,
        });
        Ok(())
    }

    /// Adds numbers to the scores.
    pub(crate) fn shift(&mut self, cx: &mut Cx<'_>, by: ValueId) -> Result<(), Reason> {
        self.added = Some(match self.added {
            Some(added) => cx.binary(Binary::Add, added, by)?,
            None => by,
        });
        Ok(())
    }

    /// What is added to the scores: minus infinity at keys that are not seen.
    pub(crate) fn bias(&self, cx: &mut Cx<'_>) -> Result<Option<ValueId>, Reason> {
        let Some(allowed) = self.allowed else { return Ok(self.added) };
        let hidden = cx.filled(self.dtype, vec![], f64::NEG_INFINITY)?;
        let zero = cx.filled(self.dtype, vec![], 0.0)?;
        let bias = cx.select(allowed, zero, hidden)?;
        match self.added {
            Some(added) => cx.binary(Binary::Add, bias, added).map(Some),
            None => Ok(Some(bias)),
        }
    }
}
