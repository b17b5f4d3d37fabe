//! Loops, written out round by round.
//!
//! A loop whose end is computed runs to a bound; once its condition is false, its state stays as it is.

use mote_abi::DType;
use mote_abi::op::Binary;
use tract_onnx::pb::{GraphProto, NodeProto};

use super::control::{MAX_ROUNDS, graph_attribute, only_tensor, tensor};
use super::item::Item;
use super::walk::{Failure, Made, Walk, title};
use crate::error::Reason;
use crate::graph::{Op, ValueId};

/// How far a loop has come.
struct Progress {
    state: Vec<Item>,
    /// Results of each round, per scan output.
    stacks: Vec<Vec<ValueId>>,
    /// Whether the next round runs.
    next: Next,
    /// Rounds that ran for certain.
    certain: i64,
    /// Whether each later round ran.
    uncertain: Vec<ValueId>,
}

#[derive(Clone, Copy)]
enum Next {
    Known(bool),
    Computed(ValueId),
}

/// When a loop ends at the latest.
#[derive(Clone, Copy)]
enum Trips {
    /// After so many rounds.
    Known(i64),
    /// After a computed number of rounds.
    Computed(ValueId),
    /// By its condition alone.
    Open,
}

impl Walk<'_> {
    /// Writes out a loop.
    pub(super) fn repeat(&mut self, node: &NodeProto, inputs: &[Option<Item>]) -> Made {
        let body = graph_attribute(node, "body")?;
        let trips = self.trips(tensor(inputs, 0)?)?;
        let bound = self.emit.bound(node).and_then(|bound| i64::try_from(bound).ok());
        let first = match tensor(inputs, 1)? {
            None => Next::Known(true),
            Some(id) => self.next(id)?,
        };
        let state: Vec<Item> = inputs
            .iter()
            .enumerate()
            .skip(2)
            .map(|(i, item)| item.clone().ok_or(Reason::MissingInput(i)))
            .collect::<Result<_, _>>()?;
        if body.input.len() != 2 + state.len() || body.output.len() <= state.len() {
            return Err(Reason::Form("its body does not take and give what the loop carries").into());
        }
        let stacks = vec![Vec::new(); body.output.len() - 1 - state.len()];
        let mut at = Progress { state, stacks, next: first, certain: 0, uncertain: vec![] };
        let mut round = 0;
        loop {
            at.next = self.unless_over(at.next, trips, round)?;
            match (at.next, trips, bound) {
                (Next::Known(false), ..) => break,
                (Next::Computed(_), Trips::Computed(_) | Trips::Open, None) => return Err(Reason::Unbounded.into()),
                (Next::Computed(still), _, Some(bound)) if round >= bound => {
                    self.end_by_now(still)?;
                    break;
                }
                _ => {}
            }
            if !self.next_round(node, body, &mut at, round)? {
                return Ok(None);
            }
            round += 1;
        }
        self.emit.node = title(node);
        let scanned = (at.state.len()..node.output.len()).any(|i| !node.output[i].is_empty());
        if scanned && !at.uncertain.is_empty() && bound.is_none() {
            return Err(Reason::Unbounded.into());
        }
        self.loop_outputs(node, body, at)
    }

    fn trips(&self, count: Option<ValueId>) -> Result<Trips, Reason> {
        let Some(id) = count else { return Ok(Trips::Open) };
        match self.emit.ints(id).as_deref() {
            // Exporters write the largest number for a loop that ends by its condition.
            Some([count]) if *count > MAX_ROUNDS as i64 => Ok(Trips::Open),
            Some([count]) => Ok(Trips::Known(*count)),
            None if self.emit.graph.value(id).count() == 1 && !self.emit.is_padded(id) => Ok(Trips::Computed(id)),
            _ => Err(Reason::Shape { what: "the trip count", got: self.emit.dims(id) }),
        }
    }

    fn next(&mut self, condition: ValueId) -> Result<Next, Reason> {
        match self.truth(condition)? {
            Some(known) => Ok(Next::Known(known)),
            None => Ok(Next::Computed(self.emit.reshape(condition, vec![])?)),
        }
    }

    /// Whether a round runs by its condition and by the trip count.
    fn unless_over(&mut self, next: Next, trips: Trips, round: i64) -> Result<Next, Reason> {
        match trips {
            Trips::Open => Ok(next),
            Trips::Known(trips) => Ok(if round < trips { next } else { Next::Known(false) }),
            Trips::Computed(trips) => {
                let (round, trips) = (self.emit.i64s(vec![], &[round])?, self.emit.reshape(trips, vec![])?);
                let trips = self.emit.cast(trips, DType::I64)?;
                let more = self.emit.binary(Binary::Less, round, trips)?;
                self.both(next, more)
            }
        }
    }

    fn both(&mut self, next: Next, more: ValueId) -> Result<Next, Reason> {
        match next {
            Next::Known(false) => Ok(next),
            Next::Known(true) => self.next(more),
            Next::Computed(id) => Ok(Next::Computed(self.emit.binary(Binary::And, id, more)?)),
        }
    }

    /// Ends a run whose loop would go on.
    fn end_by_now(&mut self, still: ValueId) -> Result<(), Reason> {
        let still = self.emit.cast(still, DType::I64)?;
        self.emit.emit(Op::Bound { limit: 0 }, &[Some(still)], DType::I64, vec![])?;
        Ok(())
    }

    /// Builds one round; false where one of its nodes was refused.
    fn next_round(
        &mut self,
        node: &NodeProto,
        body: &GraphProto,
        at: &mut Progress,
        round: i64,
    ) -> Result<bool, Failure> {
        self.emit.node = title(node);
        let from = self.emit.graph.nodes.len();
        let given = self.given(round, &at.state)?;
        let Some(made) = self.round(body, &given)? else { return Ok(false) };
        self.emit.node = title(node);
        let (condition, rest) = made.split_first().ok_or(Reason::MissingInput(0))?;
        let (state, scanned) = rest.split_at(at.state.len());
        let condition = self.next(only_tensor(condition)?)?;
        match at.next {
            Next::Known(_) => {
                at.state = state.to_vec();
                at.certain += 1;
                at.next = condition;
            }
            Next::Computed(runs) => {
                self.expect_no_fault(from)?;
                for (old, new) in at.state.iter_mut().zip(state) {
                    *old = self.chosen(runs, new, old)?;
                }
                at.uncertain.push(runs);
                at.next = match condition {
                    Next::Known(false) => condition,
                    Next::Known(true) => at.next,
                    Next::Computed(condition) => Next::Computed(self.emit.binary(Binary::And, runs, condition)?),
                };
            }
        }
        for (stack, value) in at.stacks.iter_mut().zip(scanned) {
            stack.push(only_tensor(value)?);
        }
        Ok(true)
    }

    fn given(&mut self, round: i64, state: &[Item]) -> Result<Vec<Item>, Reason> {
        let counter = self.emit.i64s(vec![], &[round])?;
        let condition = self.emit.filled(DType::Bool, vec![], 1.0)?;
        Ok([counter, condition].into_iter().map(Item::Tensor).chain(state.iter().cloned()).collect())
    }

    /// The state after the last round, then the results of all rounds.
    fn loop_outputs(&mut self, node: &NodeProto, body: &GraphProto, at: Progress) -> Made {
        let carried = at.state.len();
        let wanted = |i: usize| node.output.get(carried + i).is_some_and(|name| !name.is_empty());
        let mut outputs: Vec<Option<Item>> = at.state.iter().cloned().map(Some).collect();
        if at.stacks.first().is_some_and(Vec::is_empty) && (0..at.stacks.len()).any(wanted) {
            // No round runs; the body says what its results would be.
            let given = self.given(0, &at.state)?;
            let Some(made) = self.round(body, &given)? else { return Ok(None) };
            self.emit.node = title(node);
            for like in &made[1 + carried..] {
                outputs.push(Some(Item::Tensor(self.empty_stack(like, 0)?)));
            }
            return Ok(Some(outputs));
        }
        let count = self.rounds_run(&at)?;
        for (i, stack) in at.stacks.iter().enumerate() {
            if !wanted(i) {
                outputs.push(None);
                continue;
            }
            let mut rows = stack.clone();
            let certain = rows.len() - at.uncertain.len();
            for (row, &runs) in rows[certain..].iter_mut().zip(&at.uncertain) {
                if self.emit.is_padded(*row) {
                    return Err(Reason::Padded.into());
                }
                let nothing = self.emit.scalar_like(*row, 0.0)?;
                *row = self.emit.select(runs, *row, nothing)?;
            }
            let stacked = self.stacked(&rows, 0)?;
            if let Some(count) = count {
                self.emit.pad_from(stacked, 0, count);
            }
            outputs.push(Some(Item::Tensor(stacked)));
        }
        Ok(Some(outputs))
    }

    /// The number of rounds where it is computed.
    fn rounds_run(&mut self, at: &Progress) -> Result<Option<ValueId>, Reason> {
        if at.uncertain.is_empty() {
            return Ok(None);
        }
        let mut count = self.emit.i64s(vec![], &[at.certain])?;
        for &runs in &at.uncertain {
            let one = self.emit.cast(runs, DType::I64)?;
            count = self.emit.binary(Binary::Add, count, one)?;
        }
        Ok(Some(count))
    }
}
