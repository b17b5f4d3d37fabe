//! A Plan in the making: steps over tensors whose storages have no address yet.

use std::sync::Arc;

use mote_abi::DType;
use mote_plan::write::Writer;
use mote_plan::{Halo, Kind, Region, TensorId, step};

use super::error::LowerError;

/// Index in [`Draft::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TensorRef(pub(super) usize);

/// Index in [`Draft::storages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StorageRef(pub(super) usize);

/// One entry before memory is assigned.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) tensors: Vec<Tensor>,
    pub(super) storages: Vec<Storage>,
    pub(super) steps: Vec<Step>,
    pub(super) inputs: Vec<TensorRef>,
    pub(super) outputs: Vec<TensorRef>,
}

/// A shape over a place.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    /// Type, shape and halo as the Plan stores them; the offset is not assigned.
    pub(super) spec: mote_plan::Tensor,
    pub(super) place: Place,
    /// Set for inputs and outputs of the entry.
    pub(super) name: Option<String>,
}

/// Where the elements of a tensor are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In the Plan.
    Const(Arc<[u8]>),
    /// So many bytes into a storage of the arena.
    Arena(StorageRef, u32),
}

/// A range of the arena, live from its first to its last use.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) bytes: u32,
    pub(super) role: Role,
    /// Name of the value that it was made for.
    pub(super) label: String,
}

/// Who besides the steps looks at a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nobody.
    Inner,
    /// The host writes it before the call.
    Input,
    /// The host reads it after the call.
    Output,
}

/// One step with the name of the node that it serves.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) inputs: Vec<Option<TensorRef>>,
    pub(super) outputs: Vec<TensorRef>,
    pub(super) params: Params,
    pub(super) node: String,
}

/// The parameters of any kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Params {
    None,
    Conv(step::Conv),
    ConvGroup(step::ConvGroup),
    Pool(step::Pool),
    ArgPool(step::ArgPool),
    GridSample(step::GridSample),
    RoiAlign(step::RoiAlign),
    MaxRoiPool(step::MaxRoiPool),
    Unary(step::Unary),
    Binary(step::Binary),
    Reduce(step::Reduce),
    Softmax(step::Softmax),
    Copy(step::Copy),
    Fill(step::Fill),
    Axis(step::Axis),
    GatherNd(step::GatherNd),
    Scatter(step::Scatter),
    ArgReduce(step::ArgReduce),
    CumSum(step::CumSum),
    TopK(step::TopK),
    Recurrent(step::Recurrent),
    Dft(step::Dft),
    Unique(step::Unique),
    Suppression(step::Suppression),
    Bound(step::Bound),
    Trees(step::Trees),
    QConv(step::QConv),
    QBinary(step::QBinary),
    QPool(step::QPool),
}

impl Draft {
    /// A constant tensor.
    pub(super) fn constant(
        &mut self,
        name: &str,
        dtype: DType,
        dims: &[usize],
        bytes: Arc<[u8]>,
    ) -> Result<TensorRef, LowerError> {
        let spec = spec(name, dtype, Region::Const, dims, Halo::NONE)?;
        Ok(self.push(Tensor { spec, place: Place::Const(bytes), name: None }))
    }

    /// A tensor over a storage of its own.
    pub(super) fn fresh(
        &mut self,
        label: &str,
        dtype: DType,
        dims: &[usize],
        halo: Halo,
        role: Role,
    ) -> Result<TensorRef, LowerError> {
        let spec = spec(label, dtype, Region::Arena, dims, halo)?;
        self.storages.push(Storage { bytes: spec.bytes, role, label: label.to_owned() });
        let place = Place::Arena(StorageRef(self.storages.len() - 1), 0);
        Ok(self.push(Tensor { spec, place, name: None }))
    }

    /// A dense tensor that begins so many elements into another dense one.
    pub(super) fn alias(
        &mut self,
        of: TensorRef,
        label: &str,
        dims: &[usize],
        first: usize,
    ) -> Result<TensorRef, LowerError> {
        let source = self.tensor(of).clone();
        let spec = spec(label, source.spec.dtype, source.spec.region, dims, Halo::NONE)?;
        let skip = first * source.spec.dtype.size() as usize;
        let place = match source.place {
            Place::Const(bytes) => Place::Const(slice(&bytes, skip, spec.bytes as usize)),
            Place::Arena(storage, offset) => Place::Arena(storage, offset + skip as u32),
        };
        Ok(self.push(Tensor { spec, place, name: None }))
    }

    /// A dense tensor as another type of equal size.
    pub(super) fn seen_as(&mut self, of: TensorRef, label: &str, dtype: DType) -> Result<TensorRef, LowerError> {
        let source = self.tensor(of).clone();
        let spec = spec(label, dtype, source.spec.region, &source.dims(), Halo::NONE)?;
        Ok(self.push(Tensor { spec, place: source.place, name: None }))
    }

    pub(super) fn tensor(&self, id: TensorRef) -> &Tensor {
        &self.tensors[id.0]
    }

    /// The storage under a tensor; `None` for a constant.
    pub(super) fn storage_of(&self, id: TensorRef) -> Option<StorageRef> {
        match self.tensor(id).place {
            Place::Arena(storage, _) => Some(storage),
            Place::Const(_) => None,
        }
    }

    fn push(&mut self, tensor: Tensor) -> TensorRef {
        self.tensors.push(tensor);
        TensorRef(self.tensors.len() - 1)
    }
}

impl Tensor {
    /// The shape in the graph's own integers.
    pub(super) fn dims(&self) -> Vec<usize> {
        self.spec.dims().iter().map(|&dim| dim as usize).collect()
    }
}

impl Step {
    /// Every tensor that the step touches.
    pub(super) fn tensors(&self) -> impl Iterator<Item = TensorRef> + '_ {
        self.inputs.iter().flatten().chain(&self.outputs).copied()
    }

    /// Appends the record to the entry under construction.
    pub(super) fn write(&self, writer: &mut Writer, inputs: &[Option<TensorId>], outputs: &[TensorId]) {
        let kind = self.kind;
        match &self.params {
            Params::None => writer.bare_step(kind, inputs, outputs),
            Params::Conv(p) => writer.step(kind, inputs, outputs, p),
            Params::ConvGroup(p) => writer.step(kind, inputs, outputs, p),
            Params::Pool(p) => writer.step(kind, inputs, outputs, p),
            Params::ArgPool(p) => writer.step(kind, inputs, outputs, p),
            Params::GridSample(p) => writer.step(kind, inputs, outputs, p),
            Params::RoiAlign(p) => writer.step(kind, inputs, outputs, p),
            Params::MaxRoiPool(p) => writer.step(kind, inputs, outputs, p),
            Params::Unary(p) => writer.step(kind, inputs, outputs, p),
            Params::Binary(p) => writer.step(kind, inputs, outputs, p),
            Params::Reduce(p) => writer.step(kind, inputs, outputs, p),
            Params::Softmax(p) => writer.step(kind, inputs, outputs, p),
            Params::Copy(p) => writer.step(kind, inputs, outputs, p),
            Params::Fill(p) => writer.step(kind, inputs, outputs, p),
            Params::Axis(p) => writer.step(kind, inputs, outputs, p),
            Params::GatherNd(p) => writer.step(kind, inputs, outputs, p),
            Params::Scatter(p) => writer.step(kind, inputs, outputs, p),
            Params::ArgReduce(p) => writer.step(kind, inputs, outputs, p),
            Params::CumSum(p) => writer.step(kind, inputs, outputs, p),
            Params::TopK(p) => writer.step(kind, inputs, outputs, p),
            Params::Recurrent(p) => writer.step(kind, inputs, outputs, p),
            Params::Dft(p) => writer.step(kind, inputs, outputs, p),
            Params::Unique(p) => writer.step(kind, inputs, outputs, p),
            Params::Suppression(p) => writer.step(kind, inputs, outputs, p),
            Params::Bound(p) => writer.step(kind, inputs, outputs, p),
            Params::Trees(p) => writer.step(kind, inputs, outputs, p),
            Params::QConv(p) => writer.step(kind, inputs, outputs, p),
            Params::QBinary(p) => writer.step(kind, inputs, outputs, p),
            Params::QPool(p) => writer.step(kind, inputs, outputs, p),
        }
    }
}

fn spec(name: &str, dtype: DType, region: Region, dims: &[usize], halo: Halo) -> Result<mote_plan::Tensor, LowerError> {
    let too_large = || LowerError::TensorTooLarge { tensor: name.to_owned() };
    let dims: Vec<u32> =
        dims.iter().map(|&dim| u32::try_from(dim)).collect::<Result<_, _>>().map_err(|_| too_large())?;
    mote_plan::Tensor::new(dtype, region, 0, &dims, halo).ok_or_else(too_large)
}

fn slice(bytes: &Arc<[u8]>, skip: usize, len: usize) -> Arc<[u8]> {
    if skip == 0 && len == bytes.len() { Arc::clone(bytes) } else { bytes[skip..skip + len].into() }
}
