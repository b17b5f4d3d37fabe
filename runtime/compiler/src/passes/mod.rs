//! Rewrites of a Graph, each a function from Graph to Graph in a file of its own. They keep inputs and outputs, their
//! names, shapes and types; values change by rounding at most.

mod affine;
mod clamp;
mod dead;
mod edit;
mod flatten;
mod identity;
mod integer;
mod mean;
mod pad;
mod repeat;
mod reshape;
mod residual;
#[cfg(test)]
mod tests;
mod transpose;

use crate::graph::Graph;

/// Every pass, in the order in which each profits from those before it.
pub(crate) fn run(graph: Graph) -> Graph {
    let tidy = |graph| dead::remove(repeat::merge(identity::remove(graph)));
    let graph = tidy(graph);
    let graph = tidy(transpose::sink(graph));
    let graph = tidy(integer::quantize(mean::pool(graph)));
    let graph = tidy(integer::keep_weights(graph));
    let graph = tidy(flatten::reorder(graph));
    let graph = tidy(reshape::sink(graph));
    let graph = tidy(affine::fold(graph));
    let graph = tidy(pad::fold(graph));
    let graph = tidy(residual::fuse(graph));
    tidy(clamp::fuse(graph))
}
