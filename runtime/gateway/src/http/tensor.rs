//! Tensors between JSON and a guest's memory.

use mote_abi::{DType, Half};
use mote_host::Port;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use crate::models::Served;

/// An input as it stands in a request. `data` may be nested or flat, row-major either way.
#[derive(Debug, Deserialize)]
pub(super) struct Tensor {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    data: Value,
}

/// What a tensor of the model is, wherever it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'p> {
    pub(super) name: &'p str,
    pub(super) dtype: DType,
    pub(super) dims: &'p [u32],
}

impl<'p> From<&'p Port> for Form<'p> {
    fn from(port: &'p Port) -> Self {
        Self { name: &port.name, dtype: port.dtype, dims: &port.dims }
    }
}

impl Form<'_> {
    fn count(&self) -> usize {
        self.dims.iter().map(|&dim| dim as usize).product()
    }

    fn has_shape(&self, shape: &[u64]) -> bool {
        shape.iter().copied().eq(self.dims.iter().map(|&dim| u64::from(dim)))
    }
}

/// The protocol's name of an element type.
pub(super) fn datatype(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "FP32",
        DType::F64 => "FP64",
        DType::I8 => "INT8",
        DType::U8 => "UINT8",
        DType::I16 => "INT16",
        DType::U16 => "UINT16",
        DType::I32 => "INT32",
        DType::U32 => "UINT32",
        DType::I64 => "INT64",
        DType::U64 => "UINT64",
        DType::Bool => "BOOL",
        DType::F16 => "FP16",
        DType::BF16 => "BF16",
    }
}

/// Whether the shapes of a request are those of an entry.
pub(super) fn fits(given: &[Tensor], ports: &[Port]) -> bool {
    ports
        .iter()
        .all(|port| given.iter().any(|tensor| tensor.name == port.name && Form::from(port).has_shape(&tensor.shape)))
}

/// The bytes of each input of an entry, in the model's order.
pub(super) fn inputs(mut given: Vec<Tensor>, served: &Served, entry: u32) -> Result<Vec<Vec<u8>>, Refusal> {
    let ports = &served.entries().get(entry as usize).ok_or(Refusal::NoEntry)?.inputs;
    let mut bytes = Vec::with_capacity(ports.len());
    for port in ports {
        let at = given.iter().position(|tensor| tensor.name == port.name);
        let tensor = given.swap_remove(at.ok_or_else(|| Refusal::MissingInput { name: port.name.clone() })?);
        bytes.push(tensor.into_bytes(port.into())?);
    }
    match given.pop() {
        None => Ok(bytes),
        Some(Tensor { name, .. }) if ports.iter().any(|port| port.name == name) => Err(Refusal::RepeatedInput { name }),
        Some(Tensor { name, .. }) => Err(Refusal::UnknownInput { name }),
    }
}

impl Tensor {
    fn into_bytes(self, form: Form<'_>) -> Result<Vec<u8>, Refusal> {
        let Self { name, shape, datatype: got, data } = self;
        let expected = datatype(form.dtype);
        if got != expected {
            return Err(Refusal::Datatype { name, expected, got });
        }
        if !form.has_shape(&shape) {
            return Err(Refusal::Shape { name, expected: form.dims.to_vec(), got: shape });
        }
        let mut flat = Vec::new();
        flatten(&data, &mut flat);
        let count = form.count();
        if flat.len() != count {
            return Err(Refusal::Count { name, expected: count, got: flat.len() });
        }
        let mut bytes = Vec::with_capacity(count * form.dtype.size() as usize);
        for (index, value) in flat.into_iter().enumerate() {
            if !push(value, form.dtype, &mut bytes) {
                return Err(Refusal::Element { name, index, datatype: expected });
            }
        }
        Ok(bytes)
    }
}

fn flatten<'a>(value: &'a Value, flat: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, flat)),
        single => flat.push(single),
    }
}

/// Appends one element; false where the value is not of the type.
fn push(value: &Value, dtype: DType, bytes: &mut Vec<u8>) -> bool {
    fn integer<T: TryFrom<i128>>(value: &Value) -> Option<T> {
        let wide = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))?;
        T::try_from(wide).ok()
    }
    let grown = match dtype {
        DType::F32 => value.as_f64().map(|v| bytes.extend((v as f32).to_le_bytes())),
        DType::F64 => value.as_f64().map(|v| bytes.extend(v.to_le_bytes())),
        DType::I8 => integer::<i8>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::U8 => integer::<u8>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::I16 => integer::<i16>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::U16 => integer::<u16>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::I32 => integer::<i32>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::U32 => integer::<u32>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::I64 => integer::<i64>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::U64 => integer::<u64>(value).map(|v| bytes.extend(v.to_le_bytes())),
        DType::Bool => value.as_bool().map(|v| bytes.push(u8::from(v))),
        DType::F16 => value.as_f64().map(|v| bytes.extend(Half::Binary16.narrow(v).to_le_bytes())),
        DType::BF16 => value.as_f64().map(|v| bytes.extend(Half::Bfloat16.narrow(v).to_le_bytes())),
    };
    grown.is_some()
}

/// An output as it stands in an answer. JSON has no NaN and no infinity: those elements become null.
pub(super) fn to_json(form: Form<'_>, bytes: &[u8]) -> Value {
    let size = form.dtype.size() as usize;
    let data: Vec<Value> = bytes.chunks_exact(size).map(|raw| element(form.dtype, raw)).collect();
    json!({ "name": form.name, "datatype": datatype(form.dtype), "shape": form.dims, "data": data })
}

fn element(dtype: DType, raw: &[u8]) -> Value {
    let mut wide = [0; 8];
    wide[..raw.len()].copy_from_slice(raw);
    let unsigned = u64::from_le_bytes(wide);
    let signed = |bits: u32| (unsigned << (64 - bits)).cast_signed() >> (64 - bits);
    match dtype {
        DType::F32 => json!(shortest(f32::from_bits(unsigned as u32))),
        DType::F64 => json!(f64::from_bits(unsigned)),
        DType::I8 => json!(signed(8)),
        DType::I16 => json!(signed(16)),
        DType::I32 => json!(signed(32)),
        DType::I64 => json!(signed(64)),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => json!(unsigned),
        DType::Bool => json!(unsigned != 0),
        DType::F16 => json!(shortest(Half::Binary16.widen(unsigned as u16))),
        DType::BF16 => json!(shortest(Half::Bfloat16.widen(unsigned as u16))),
    }
}

/// The f64 that prints as the f32 does: as the shortest decimal that reads back as the same f32.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(dtype: DType, dims: &[u32]) -> Form<'_> {
        Form { name: "x", dtype, dims }
    }

    fn tensor(datatype: &str, shape: &[u64], data: Value) -> Tensor {
        Tensor { name: "x".into(), shape: shape.to_vec(), datatype: datatype.into(), data }
    }

    #[test]
    fn elements_survive_the_way_in_and_out() {
        let cases = [
            (DType::F32, json!([0.1, -1.5, 3])),
            (DType::F64, json!([0.1, 1e300, 0])),
            (DType::I8, json!([-128, 0, 127])),
            (DType::U64, json!([0, 1, u64::MAX])),
            (DType::I64, json!([i64::MIN, -1, i64::MAX])),
            (DType::Bool, json!([true, false, true])),
            (DType::F16, json!([0.5, -1.5, 65504])),
            (DType::BF16, json!([0.5, -1.5, 256])),
        ];
        for (dtype, data) in cases {
            let form = form(dtype, &[3]);
            let bytes = tensor(datatype(dtype), &[3], data.clone()).into_bytes(form).unwrap();
            let back = to_json(form, &bytes)["data"].clone();
            let same = back
                .as_array()
                .unwrap()
                .iter()
                .zip(data.as_array().unwrap())
                .all(|(a, b)| a == b || a.as_f64().is_some_and(|a| Some(a as f32) == b.as_f64().map(|b| b as f32)));
            assert!(same, "{dtype}: {back} from {data}");
        }
    }

    #[test]
    fn nested_and_flat_data_are_the_same_and_bad_elements_are_named() {
        let form = form(DType::I8, &[2, 2]);
        let nested = tensor("INT8", &[2, 2], json!([[1, 2], [3, 4]])).into_bytes(form).unwrap();
        assert_eq!(nested, tensor("INT8", &[2, 2], json!([1, 2, 3, 4])).into_bytes(form).unwrap());

        let refuse = |t: Tensor| t.into_bytes(form).unwrap_err().to_string();
        assert!(refuse(tensor("INT8", &[2, 2], json!([1, 2, 300, 4]))).contains("element 2"));
        assert!(refuse(tensor("INT8", &[2, 2], json!([1, 2]))).contains("holds 2 elements"));
        assert!(refuse(tensor("FP32", &[2, 2], json!([1]))).contains("takes INT8"));
        assert!(refuse(tensor("INT8", &[4], json!([1, 2, 3, 4]))).contains("has shape [4]"));
    }

    #[test]
    fn floats_print_as_short_as_they_are() {
        let bytes: Vec<u8> = [0.1f32, 16_777_216.0, 1e-45].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(to_json(form(DType::F32, &[3]), &bytes)["data"].to_string(), "[0.1,16777216.0,1e-45]");
    }

    #[test]
    fn json_has_no_nan() {
        let bytes: Vec<u8> = [f32::NAN, f32::INFINITY].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(to_json(form(DType::F32, &[2]), &bytes)["data"], json!([null, null]));
    }
}
