//! Sparse tensors become dense ones before anything looks at them.
//!
//! tract's protobuf types do not have them, so they are decoded here, beside the message that they belong to.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};

use super::tensor;
use crate::error::{ImportError, TensorError};

/// Most bytes of a sparse tensor once it is dense.
const MAX_DENSE_BYTES: usize = 64 << 20;

#[derive(Clone, PartialEq, Message)]
struct SparseModel {
    #[prost(message, optional, tag = "7")]
    graph: Option<SparseGraph>,
}

#[derive(Clone, PartialEq, Message)]
struct SparseGraph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<SparseNode>,
    #[prost(message, repeated, tag = "15")]
    sparse_initializer: Vec<SparseTensor>,
}

#[derive(Clone, PartialEq, Message)]
struct SparseNode {
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<SparseAttribute>,
}

#[derive(Clone, PartialEq, Message)]
struct SparseAttribute {
    #[prost(message, optional, tag = "6")]
    g: Option<SparseGraph>,
    #[prost(message, optional, tag = "22")]
    sparse_tensor: Option<SparseTensor>,
}

/// ONNX `SparseTensorProto`.
#[derive(Clone, PartialEq, Message)]
struct SparseTensor {
    /// The elements that are not zero; its name is that of the tensor.
    #[prost(message, optional, tag = "1")]
    values: Option<TensorProto>,
    /// The position of each: one number row-major, or one per axis.
    #[prost(message, optional, tag = "2")]
    indices: Option<TensorProto>,
    #[prost(int64, repeated, tag = "3")]
    dims: Vec<i64>,
}

/// Stores every sparse tensor of a model file in the dense form.
pub(super) fn fill_in(model: &mut ModelProto, bytes: &[u8]) -> Result<(), ImportError> {
    let sparse = SparseModel::decode(bytes).map_err(|_| ImportError::Decode)?;
    match (&mut model.graph, &sparse.graph) {
        (Some(graph), Some(sparse)) => fill_in_graph(graph, sparse),
        _ => Ok(()),
    }
}

fn fill_in_graph(graph: &mut GraphProto, sparse: &SparseGraph) -> Result<(), ImportError> {
    for stored in &sparse.sparse_initializer {
        graph.initializer.push(stored.dense()?);
    }
    let nodes = graph.node.iter_mut().zip(&sparse.node);
    for (attribute, sparse) in nodes.flat_map(|(node, sparse)| node.attribute.iter_mut().zip(&sparse.attribute)) {
        if let (Some(graph), Some(sparse)) = (&mut attribute.g, &sparse.g) {
            fill_in_graph(graph, sparse)?;
        }
        if let Some(stored) = &sparse.sparse_tensor {
            attribute.t = Some(stored.dense()?);
            attribute.set_type(AttributeType::Tensor);
        }
    }
    Ok(())
}

impl SparseTensor {
    fn dense(&self) -> Result<TensorProto, ImportError> {
        let values = self.values.clone().unwrap_or_default();
        let name = values.name.clone();
        self.scattered(values).map_err(|reason| ImportError::Tensor { name, reason })
    }

    fn scattered(&self, values: TensorProto) -> Result<TensorProto, TensorError> {
        let (dtype, kept, elements) = tensor::read(&values, None)?;
        let dims: Vec<usize> = self.dims.iter().filter_map(|&d| usize::try_from(d).ok()).collect();
        let size = dtype.size() as usize;
        let bytes = dims.iter().try_fold(size, |n, &d| n.checked_mul(d));
        let bytes = bytes.filter(|&n| n <= MAX_DENSE_BYTES && dims.len() == self.dims.len());
        let mut data = vec![0; bytes.ok_or_else(|| TensorError::Shape(self.dims.clone()))?];
        let positions = self.positions(&dims, kept.iter().product())?;
        for (at, element) in positions.into_iter().zip(elements.chunks_exact(size)) {
            data.get_mut(at * size..(at + 1) * size).ok_or(TensorError::Sparse)?.copy_from_slice(element);
        }
        let TensorProto { name, data_type, .. } = values;
        Ok(TensorProto { name, data_type, dims: self.dims.clone(), raw_data: data, ..TensorProto::default() })
    }

    /// Row-major positions of `count` elements.
    fn positions(&self, dims: &[usize], count: usize) -> Result<Vec<usize>, TensorError> {
        let (_, shape, bytes) = tensor::read(self.indices.as_ref().ok_or(TensorError::Sparse)?, None)?;
        let given = bytes.as_chunks().0.iter().map(|b| usize::try_from(i64::from_le_bytes(*b)));
        let given: Vec<usize> = given.collect::<Result<_, _>>().map_err(|_| TensorError::Sparse)?;
        let row_major =
            |tuple: &[usize]| tuple.iter().zip(dims).try_fold(0, |at, (&i, &len)| (i < len).then_some(at * len + i));
        let positions: Option<Vec<usize>> = match *shape.as_slice() {
            [n] if n == count && given.len() == n => {
                Some(given).filter(|given| given.iter().all(|&at| at < dims.iter().product()))
            }
            [n, rank] if n == count && rank == dims.len() && rank > 0 && given.len() == n * rank => {
                given.chunks_exact(rank).map(row_major).collect()
            }
            _ => None,
        };
        positions.ok_or(TensorError::Sparse)
    }
}
