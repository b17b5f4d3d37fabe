//! Many classes by several estimators of two.

use mote_abi::op::Binary;
use mote_pickle::Node;

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::net::Net;
use super::table;
use crate::graph::ValueId;

type Class = Result<Classified, EstimatorError>;

/// What an estimator of two classes says for the second of them, `[rows, 1]` each.
struct Half {
    decision: Option<ValueId>,
    probability: Option<ValueId>,
    /// Whether it is the second, as a number.
    is_second: ValueId,
}

impl Half {
    fn of(net: &mut Net, fields: &Fields<'_>, node: Node<'_>, x: ValueId) -> Result<Self, EstimatorError> {
        // Stands where every row was of one class.
        if node.class().is_some_and(|class| class.name == "_ConstantPredictor") {
            let constant = Fields::of(node).ok_or_else(|| fields.wrong("estimators_", "estimators"))?.float("y_")?;
            let column = net.every_row(&[constant])?;
            return Ok(Self { decision: Some(column), probability: Some(column), is_second: column });
        }
        let said = table::classify(net, node, x)?;
        let probability = said.probabilities.map(|p| net.columns(p, &[1])).transpose()?;
        let rows = net.rows;
        let index = net.emit.reshape(said.index, vec![rows, 1])?;
        let is_second = net.number(index)?;
        match said.decision.map(|decision| net.width(decision)) {
            None | Some(1) if said.classes.len() == 2 => Ok(Self { decision: said.decision, probability, is_second }),
            _ => Err(fields.wrong("estimators_", "estimators of two classes")),
        }
    }

    /// What members are compared by.
    fn score(&self, fields: &Fields<'_>) -> Result<ValueId, EstimatorError> {
        let score = self.decision.or(self.probability);
        score.ok_or_else(|| fields.form("a member has neither a decision nor probabilities"))
    }
}

fn halves(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Vec<Half>, EstimatorError> {
    let members = fields.list("estimators_")?;
    if members.is_empty() {
        return Err(fields.wrong("estimators_", "estimators"));
    }
    members.into_iter().map(|member| Half::of(net, fields, member, x)).collect()
}

/// A column of each, where each has one.
fn all(
    net: &mut Net,
    halves: &[Half],
    of: impl Fn(&Half) -> Option<ValueId>,
) -> Result<Option<ValueId>, EstimatorError> {
    let columns: Option<Vec<ValueId>> = halves.iter().map(of).collect();
    Ok(columns.map(|columns| net.beside(&columns)).transpose()?)
}

/// One estimator for each class against all others.
pub(super) fn one_vs_rest(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let binarizer = fields.child("label_binarizer_")?;
    if binarizer.text("y_type_")?.starts_with("multilabel") {
        return Err(fields.form("several labels for one row are not supported"));
    }
    let classes = Classes::read(&binarizer)?;
    let halves = halves(net, fields, x)?;
    let two = classes.len() == 2 && halves.len() == 1;
    if !two && halves.len() != classes.len() {
        return Err(fields.shape("estimators_", &[halves.len()], "one for each class"));
    }
    let decision = all(net, &halves, |half| half.decision)?;
    let p = all(net, &halves, |half| half.probability)?;
    let probabilities = match p {
        Some(p) if two => Some(net.complement(p)?),
        Some(p) => Some(net.shares(p, f64::NAN)?),
        None => None,
    };
    let index = if two {
        let bound = if halves[0].decision.is_some() { 0.0 } else { 0.5 };
        let score = halves[0].score(fields)?;
        net.above(score, bound)?
    } else {
        let scores: Vec<ValueId> = halves.iter().map(|half| half.score(fields)).collect::<Result<_, _>>()?;
        let scores = net.beside(&scores)?;
        // Of equals scikit-learn keeps the last.
        net.arg(scores, true, true)?
    };
    Ok(Classified { classes, index, probabilities, decision })
}

/// Votes of pairs, and a share of confidence that parts equal votes: x / (3 (|x| + 1)).
pub(super) fn votes(net: &mut Net, second_wins: ValueId, confidence: ValueId, classes: usize) -> super::net::Made {
    let pairs: Vec<(usize, usize)> = pairs(classes).collect();
    let sign = |pair: usize, class: usize, first: f64, second: f64| match pairs[pair] {
        (i, _) if i == class => first,
        (_, j) if j == class => second,
        _ => 0.0,
    };
    // A vote of the second is one the first does not get.
    let counts = Matrix::from_fn(pairs.len(), classes, |pair, class| sign(pair, class, -1.0, 1.0));
    let firsts: Vec<f64> = (0..classes).map(|c| pairs.iter().filter(|&&(i, _)| i == c).count() as f64).collect();
    let votes = net.dense(second_wins, &counts, &firsts)?;
    let sums = net.times(confidence, &counts)?;
    let size = net.unary(mote_abi::op::Unary::Abs, sums)?;
    let size = net.with_scalar(Binary::Add, size, 1.0)?;
    let size = net.with_scalar(Binary::Mul, size, 3.0)?;
    let share = net.div(sums, size)?;
    net.add(votes, share)
}

/// Pairs of classes in the order of their estimators.
pub(super) fn pairs(classes: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..classes).flat_map(move |i| (i + 1..classes).map(move |j| (i, j)))
}

/// One estimator for each pair of classes.
pub(super) fn one_vs_one(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    if fields.some("pairwise_indices_").is_some() {
        return Err(fields.form("members over kernels are not supported"));
    }
    let halves = halves(net, fields, x)?;
    if halves.len() != pairs(classes.len()).count() {
        return Err(fields.shape("estimators_", &[halves.len()], "one for each pair of classes"));
    }
    let wins: Vec<ValueId> = halves.iter().map(|half| half.is_second).collect();
    let scores: Vec<ValueId> = halves.iter().map(|half| half.score(fields)).collect::<Result<_, _>>()?;
    let (wins, scores) = (net.beside(&wins)?, net.beside(&scores)?);
    let votes = votes(net, wins, scores, classes.len())?;
    let decision = if classes.len() == 2 { net.column(votes, 1)? } else { votes };
    Ok(Classified::decided(net, classes, decision)?)
}

/// The class whose row of the code book is nearest to what the members say.
pub(super) fn output_code(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let book = fields.matrix("code_book_")?;
    let halves = halves(net, fields, x)?;
    if book.rows != classes.len() || book.columns != halves.len() {
        return Err(fields.shape("code_book_", &[book.rows, book.columns], "a row for each class"));
    }
    let scores: Vec<ValueId> = halves.iter().map(|half| half.score(fields)).collect::<Result<_, _>>()?;
    let scores = net.beside(&scores)?;
    let distances = net.squared_distances(scores, &book)?;
    let index = net.arg_min(distances)?;
    Ok(Classified { classes, index, probabilities: None, decision: None })
}
