//! What a call and a state make of inert values: arrays and numbers where NumPy is called, else an object that only
//! remembers how it was made.

use crate::array::{self, Array, Data, Order};
use crate::dtype::{Dtype, Kind};
use crate::error::ReadError;
use crate::globals::{Global, Role};
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::value::{Object, Value, ValueId};

/// Most entries of a dict that describes an array or its type.
const MAX_ENTRIES: usize = 256;

type Made = Result<Value, ReadError>;

/// `callee(*arguments)`, by REDUCE or NEWOBJ.
pub(crate) fn call(machine: &mut Machine<'_>, opcode: Opcode, callee: ValueId, arguments: ValueId) -> Made {
    let Value::Global(global) = *machine.value(callee) else {
        return Err(machine.operand(opcode.name(), "a listed global"));
    };
    let Value::Tuple(arguments) = machine.value(arguments) else {
        return Err(machine.operand(opcode.name(), "a tuple of arguments"));
    };
    let arguments = arguments.clone();
    machine.charge(arguments.len())?;
    let made_new = opcode == Opcode::NEWOBJ;
    match global.role {
        Role::Class | Role::Wrapper => Ok(Value::object(Object::new(global, arguments))),
        _ if made_new => Err(ReadError::Call { at: machine.at, module: global.module, name: global.name }),
        // Its arguments say nothing: shape and type come with the state.
        Role::Array => Ok(Value::object(Object::new(global, Vec::new()))),
        Role::Scalar => scalar(machine, &arguments),
        Role::FromBuffer => from_buffer(machine, &arguments),
        Role::Dtype => dtype(machine, &arguments),
        Role::Encode => encode(machine, &arguments),
        Role::Bytes => bytes(machine, &arguments),
        Role::Set => set(machine, &arguments),
        Role::Reconstructor => reconstruct(machine, &arguments),
        Role::Name => Err(ReadError::Call { at: machine.at, module: global.module, name: global.name }),
    }
}

/// Gives an object its state.
pub(crate) fn build(machine: &mut Machine<'_>, object: ValueId, state: ValueId) -> Result<(), ReadError> {
    let role = match machine.value(object) {
        Value::Object(object) if object.state.is_none() => object.class.role,
        Value::Dtype(_) => Role::Dtype,
        _ => return Err(machine.operand("BUILD", "an object without a state")),
    };
    let filled = match role {
        Role::Dtype => dtype_state(machine, object, state)?,
        Role::Array => array_state(machine, state)?,
        Role::Wrapper => wrapped(machine, state)?,
        _ => {
            if let Value::Object(object) = &mut machine.values[object.0 as usize] {
                object.state = Some(state);
            }
            return Ok(());
        }
    };
    machine.values[object.0 as usize] = filled;
    Ok(())
}

/// An object of protocols 0 and 1: its class, `object`, and nothing.
fn reconstruct(machine: &Machine<'_>, arguments: &[ValueId]) -> Made {
    let is_object = |id| matches!(machine.value(id), Value::Global(Global { name: "object", .. }));
    match *arguments {
        [class, base, none] if is_object(base) && matches!(machine.value(none), Value::None) => {
            match *machine.value(class) {
                Value::Global(class) if matches!(class.role, Role::Class | Role::Wrapper) => {
                    Ok(Value::object(Object::new(class, Vec::new())))
                }
                _ => Err(machine.operand("copyreg._reconstructor", "a listed class")),
            }
        }
        _ => Err(machine.operand("copyreg._reconstructor", "a class, `object` and None")),
    }
}

fn encode(machine: &mut Machine<'_>, arguments: &[ValueId]) -> Made {
    let want = "text and `latin1`";
    let [text, codec] = *arguments else { return Err(machine.operand("_codecs.encode", want)) };
    let (Value::Text(text), Value::Text(codec)) = (machine.value(text), machine.value(codec)) else {
        return Err(machine.operand("_codecs.encode", want));
    };
    let latin1 = |c: char| u8::try_from(u32::from(c)).ok();
    let bytes: Option<Box<[u8]>> = text.chars().map(latin1).collect();
    let bytes = bytes
        .filter(|_| matches!(&**codec, "latin1" | "latin-1"))
        .ok_or_else(|| machine.operand("_codecs.encode", want))?;
    machine.charge(bytes.len())?;
    Ok(Value::Bytes(bytes))
}

fn bytes(machine: &mut Machine<'_>, arguments: &[ValueId]) -> Made {
    match *arguments {
        [] => Ok(Value::Bytes(Box::default())),
        [given] => match machine.value(given) {
            Value::Bytes(given) => {
                let given = given.clone();
                machine.charge(given.len())?;
                Ok(Value::Bytes(given))
            }
            _ => Err(machine.operand("bytes", "bytes")),
        },
        _ => Err(machine.operand("bytes", "bytes")),
    }
}

fn set(machine: &mut Machine<'_>, arguments: &[ValueId]) -> Made {
    let [list] = *arguments else { return Err(machine.operand("set", "a list")) };
    let Value::List(items) = machine.value(list) else { return Err(machine.operand("set", "a list")) };
    let items = items.clone();
    machine.charge(items.len())?;
    Ok(Value::Set(items))
}

/// One element of an array as a number or text.
fn scalar(machine: &mut Machine<'_>, arguments: &[ValueId]) -> Made {
    let want = "a dtype and bytes";
    let [dtype, bytes] = *arguments else { return Err(machine.operand("numpy scalar", want)) };
    let (Value::Dtype(dtype), Value::Bytes(bytes)) = (machine.value(dtype), machine.value(bytes)) else {
        return Err(machine.operand("numpy scalar", want));
    };
    let boolean = dtype.kind == Kind::Bool;
    let array = Array::decode(dtype, vec![1], Order::C, bytes, machine.at)?;
    machine.charge(1)?;
    Ok(match array.data {
        Data::Int(values) if boolean => Value::Bool(values[0] != 0),
        Data::Int(values) => Value::Int(values[0]),
        Data::Float(values) => Value::Float(values[0]),
        Data::Text(mut values) => Value::Text(values.swap_remove(0).into()),
        Data::Record(_) | Data::Object(_) => return Err(machine.operand("numpy scalar", want)),
    })
}

fn from_buffer(machine: &mut Machine<'_>, arguments: &[ValueId]) -> Made {
    let want = "bytes, a dtype, a shape and an order";
    let [buffer, dtype, shape, order] = *arguments else { return Err(machine.operand("numpy _frombuffer", want)) };
    let order = order_of(machine, order).ok_or_else(|| machine.operand("numpy _frombuffer", want))?;
    decoded(machine, dtype, shape, order, buffer)
}

/// Fills an array: version, shape, dtype, whether in Fortran's order, and its bytes or objects.
fn array_state(machine: &mut Machine<'_>, state: ValueId) -> Made {
    let want = "the state of an array";
    let Some(&[_, shape, dtype, fortran, content]) = tuple(machine, state) else {
        return Err(machine.operand("BUILD", want));
    };
    let order = match machine.value(fortran) {
        Value::Bool(true) => Order::Fortran,
        Value::Bool(false) => Order::C,
        _ => return Err(machine.operand("BUILD", want)),
    };
    let Value::List(items) = machine.value(content) else { return decoded(machine, dtype, shape, order, content) };
    let items = items.clone();
    machine.charge(items.len())?;
    let is_object = matches!(machine.value(dtype), Value::Dtype(dtype) if dtype.kind == Kind::Object);
    let shape = shape_of(machine, shape).filter(|_| is_object).ok_or_else(|| machine.operand("BUILD", want))?;
    Ok(Value::Array(Box::new(Array::of_objects(shape, order, items, machine.at)?)))
}

/// An array of bytes that are a value.
fn decoded(machine: &mut Machine<'_>, dtype: ValueId, shape: ValueId, order: Order, bytes: ValueId) -> Made {
    let (Value::Dtype(dtype), Some(shape)) = (machine.value(dtype), shape_of(machine, shape)) else {
        return Err(machine.operand("an array", "a dtype and a shape"));
    };
    let cost = cost(dtype, &shape, machine.at)?;
    let dtype = dtype.clone();
    machine.charge(cost)?;
    let Value::Bytes(bytes) = machine.value(bytes) else { return Err(machine.operand("an array", "bytes")) };
    Ok(Value::Array(Box::new(Array::decode(&dtype, shape, order, bytes, machine.at)?)))
}

/// An array whose bytes follow in the file: joblib's way.
fn wrapped(machine: &mut Machine<'_>, state: ValueId) -> Made {
    if !machine.is_outermost() {
        return Err(machine.operand("BUILD", "no joblib array inside an array of objects"));
    }
    let want = "the state of a joblib array";
    let part = |name: &str| lookup(machine, state, name);
    let parts = (part("shape"), part("dtype"), part("order").and_then(|id| order_of(machine, id)));
    let (Some(shape), Some(dtype), Some(order)) = parts else { return Err(machine.operand("BUILD", want)) };
    let aligned = part("numpy_array_alignment_bytes").is_some_and(|id| !matches!(machine.value(id), Value::None));
    let (Value::Dtype(dtype), Some(shape)) = (machine.value(dtype), shape_of(machine, shape)) else {
        return Err(machine.operand("BUILD", want));
    };
    if dtype.kind == Kind::Object {
        return objects(machine);
    }
    let (dtype, at) = (dtype.clone(), machine.at);
    machine.charge(cost(&dtype, &shape, at)?)?;
    if aligned {
        let padding = machine.input.byte()?;
        machine.input.take(usize::from(padding))?;
    }
    let bytes = machine.input.take(array::byte_count(&dtype, &shape, at)?)?;
    Ok(Value::Array(Box::new(Array::decode(&dtype, shape, order, bytes, at)?)))
}

/// An array of objects is a pickle of its own, whose shape counts.
fn objects(machine: &mut Machine<'_>) -> Made {
    let at = machine.at;
    let root = machine.pickle()?;
    machine.at = at;
    match machine.value(root) {
        Value::Array(array) => {
            let array = array.clone();
            machine.charge(array.count())?;
            Ok(Value::Array(array))
        }
        _ => Err(machine.operand("BUILD", "an array of objects")),
    }
}

/// Elements that an array counts for.
fn cost(dtype: &Dtype, shape: &[usize], at: usize) -> Result<usize, ReadError> {
    let words = match dtype.kind {
        Kind::Text | Kind::Bytes => 4 + dtype.size / 8,
        Kind::Record => dtype.fields.len().max(1),
        _ => 1,
    };
    let elements = array::element_count(shape, at)?;
    // A record's fields cost a name each even where there is no element.
    elements.saturating_add(dtype.fields.len()).checked_mul(words).ok_or(ReadError::Array { at, what: "shape" })
}

fn dtype(machine: &Machine<'_>, arguments: &[ValueId]) -> Made {
    match arguments.first().map(|&id| machine.value(id)) {
        Some(Value::Text(text)) => Ok(Value::Dtype(Box::new(Dtype::parse(text, machine.at)?))),
        _ => Err(machine.operand("numpy.dtype", "the code of an element type")),
    }
}

/// Byte order and fields: version, order, base, names, fields, size, alignment, flags.
fn dtype_state(machine: &mut Machine<'_>, object: ValueId, state: ValueId) -> Made {
    let want = "the state of a dtype";
    let Value::Dtype(dtype) = machine.value(object) else { return Err(machine.operand("BUILD", want)) };
    let mut dtype = (**dtype).clone();
    let Some(&[_, order, base, names, fields, ..]) = tuple(machine, state) else {
        return Err(machine.operand("BUILD", want));
    };
    dtype.big_endian = match machine.value(order) {
        Value::Text(text) => match &**text {
            ">" => true,
            "<" | "=" | "|" => false,
            _ => return Err(machine.operand("BUILD", want)),
        },
        _ => return Err(machine.operand("BUILD", want)),
    };
    if !matches!(machine.value(base), Value::None) {
        return Err(machine.operand("BUILD", "a dtype without a base"));
    }
    if let Some(names) = tuple(machine, names) {
        let names = names[..names.len().min(MAX_ENTRIES + 1)].to_vec();
        // Each is looked for among all.
        machine.charge(names.len() * names.len())?;
        let fields: Option<Vec<_>> = names.iter().map(|&name| field(machine, fields, name)).collect();
        dtype = dtype.with_fields(fields.ok_or_else(|| machine.operand("BUILD", want))?, machine.at)?;
    }
    Ok(Value::Dtype(Box::new(dtype)))
}

/// Name, place and type of a field.
fn field(machine: &Machine<'_>, fields: ValueId, name: ValueId) -> Option<(String, usize, Dtype)> {
    let Value::Text(name) = machine.value(name) else { return None };
    let &[dtype, offset, ..] = tuple(machine, lookup(machine, fields, name)?)? else { return None };
    match (machine.value(dtype), machine.value(offset)) {
        (Value::Dtype(dtype), Value::Int(offset)) => {
            Some((name.to_string(), usize::try_from(*offset).ok()?, (**dtype).clone()))
        }
        _ => None,
    }
}

fn order_of(machine: &Machine<'_>, id: ValueId) -> Option<Order> {
    match machine.value(id) {
        Value::Text(text) if &**text == "C" => Some(Order::C),
        Value::Text(text) if &**text == "F" => Some(Order::Fortran),
        _ => None,
    }
}

fn tuple<'m>(machine: &'m Machine<'_>, id: ValueId) -> Option<&'m [ValueId]> {
    match machine.value(id) {
        Value::Tuple(items) => Some(items),
        _ => None,
    }
}

fn shape_of(machine: &Machine<'_>, id: ValueId) -> Option<Vec<usize>> {
    let extent = |&id: &ValueId| match machine.value(id) {
        Value::Int(extent) => usize::try_from(*extent).ok(),
        _ => None,
    };
    match machine.value(id) {
        Value::Int(_) => extent(&id).map(|extent| vec![extent]),
        Value::Tuple(items) if items.len() <= 32 => items.iter().map(extent).collect(),
        _ => None,
    }
}

/// The entry of a short dict under a text.
fn lookup(machine: &Machine<'_>, dict: ValueId, name: &str) -> Option<ValueId> {
    let Value::Dict(entries) = machine.value(dict) else { return None };
    if entries.len() > MAX_ENTRIES {
        return None;
    }
    let named = |&&(key, _): &&(ValueId, ValueId)| matches!(machine.value(key), Value::Text(text) if &**text == name);
    entries.iter().rev().find(named).map(|&(_, value)| value)
}
