//! Rewrites of a Graph, each a function from Graph to Graph.
