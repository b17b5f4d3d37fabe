//! The stack machine of pickle over inert values.

use std::collections::HashMap;

use crate::call;
use crate::cursor::Cursor;
use crate::error::ReadError;
use crate::globals;
use crate::limits::Limits;
use crate::number;
use crate::opcode::Opcode;
use crate::value::{Object, Value, ValueId};

/// Runs a whole file.
pub(crate) fn run(bytes: &[u8], limits: &Limits) -> Result<(Vec<Value>, ValueId), ReadError> {
    let mut machine = Machine {
        input: Cursor::new(bytes),
        values: Vec::new(),
        limits: *limits,
        elements: limits.elements,
        remembered: 0,
        nesting: 0,
        at: 0,
    };
    let root = machine.pickle()?;
    match machine.input.rest() {
        0 => Ok((machine.values, root)),
        _ => Err(ReadError::Trailing { at: machine.input.at() }),
    }
}

pub(crate) struct Machine<'a> {
    pub(crate) input: Cursor<'a>,
    pub(crate) values: Vec<Value>,
    limits: Limits,
    /// Elements of arrays that may still be made.
    elements: usize,
    /// Entries of all memos.
    remembered: usize,
    /// The file's own pickle, and the one of an array of objects inside it.
    nesting: usize,
    /// Where the instruction at work begins.
    pub(crate) at: usize,
}

/// What one pickle works on; one inside another has its own.
#[derive(Default)]
struct Frame {
    stack: Vec<ValueId>,
    /// Heights of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, ValueId>,
}

impl Machine<'_> {
    /// Runs the pickle at the cursor up to its end mark.
    pub(crate) fn pickle(&mut self) -> Result<ValueId, ReadError> {
        self.nesting += 1;
        let mut frame = Frame::default();
        loop {
            self.at = self.input.at();
            let code = self.input.byte()?;
            let opcode = Opcode::of(code).ok_or(ReadError::Opcode { at: self.at, code })?;
            if opcode == Opcode::STOP {
                self.nesting -= 1;
                return self.pop(&mut frame, opcode);
            }
            self.step(opcode, &mut frame)?;
            if frame.stack.len() > self.limits.values || frame.marks.len() > self.limits.values {
                return Err(self.limit("values", self.limits.values));
            }
        }
    }

    /// Whether the pickle at work is the file's own.
    pub(crate) fn is_outermost(&self) -> bool {
        self.nesting == 1
    }

    fn step(&mut self, opcode: Opcode, frame: &mut Frame) -> Result<(), ReadError> {
        use Opcode as O;
        let value = match opcode {
            O::PROTO => return self.protocol(),
            O::FRAME => return self.frame(),
            O::MARK => {
                frame.marks.push(frame.stack.len());
                return Ok(());
            }
            O::POP => {
                // Python's own machines take a mark off too.
                if frame.marks.last() == Some(&frame.stack.len()) {
                    frame.marks.pop();
                    return Ok(());
                }
                return self.pop(frame, opcode).map(drop);
            }
            O::POP_MARK => return self.marked(frame, opcode).map(drop),
            O::DUP => {
                let top = self.top(frame, opcode)?;
                frame.stack.push(top);
                return Ok(());
            }
            O::GET | O::BINGET | O::LONG_BINGET => return self.recall(opcode, frame),
            O::PUT | O::BINPUT | O::LONG_BINPUT | O::MEMOIZE => return self.remember(opcode, frame),
            O::APPEND | O::APPENDS | O::ADDITEMS | O::SETITEM | O::SETITEMS => return self.fill(opcode, frame),
            O::BUILD => {
                let state = self.pop(frame, opcode)?;
                let object = self.top(frame, opcode)?;
                return call::build(self, object, state);
            }
            O::REDUCE | O::NEWOBJ => {
                let arguments = self.pop(frame, opcode)?;
                let callee = self.pop(frame, opcode)?;
                call::call(self, opcode, callee, arguments)?
            }
            O::GLOBAL | O::STACK_GLOBAL => self.global(opcode, frame)?,
            O::PERSID | O::BINPERSID => {
                return self.refuse(opcode, "what a persistent id stands for is not in the file");
            }
            O::EXT1 | O::EXT2 | O::EXT4 => {
                return self.refuse(opcode, "what an extension code stands for is not in the file");
            }
            O::NEXT_BUFFER | O::READONLY_BUFFER => {
                return self.refuse(opcode, "the bytes of the array are not in the file");
            }
            O::INST | O::OBJ => return self.refuse(opcode, "only classes of Python 2 are stored so"),
            O::NEWOBJ_EX => return self.refuse(opcode, "no stored estimator is made from named arguments"),
            O::STRING | O::BINSTRING | O::SHORT_BINSTRING => {
                return self.refuse(opcode, "text of Python 2 has no encoding");
            }
            _ => self.plain(opcode, frame)?,
        };
        let id = self.add(value)?;
        frame.stack.push(id);
        Ok(())
    }

    /// Instructions that make a value of nothing but bytes and the stack.
    fn plain(&mut self, opcode: Opcode, frame: &mut Frame) -> Result<Value, ReadError> {
        use Opcode as O;
        let at = self.at;
        let text = |what: &'static str| ReadError::Text { at, what };
        let input = &mut self.input;
        Ok(match opcode {
            O::NONE => Value::None,
            O::NEWTRUE => Value::Bool(true),
            O::NEWFALSE => Value::Bool(false),
            O::BININT => Value::Int(i64::from(i32::from_le_bytes(input.array()?))),
            O::BININT1 => Value::Int(i64::from(input.byte()?)),
            O::BININT2 => Value::Int(i64::from(u16::from_le_bytes(input.array()?))),
            O::BINFLOAT => Value::Float(f64::from_be_bytes(input.array()?)),
            O::FLOAT => Value::Float(number::float(input.line()?).ok_or_else(|| text("a number"))?),
            O::INT => match input.line()? {
                b"00" => Value::Bool(false),
                b"01" => Value::Bool(true),
                line => number::decimal(line).ok_or_else(|| text("an integer"))?,
            },
            O::LONG => {
                let line = input.line()?;
                number::decimal(line.strip_suffix(b"L").unwrap_or(line)).ok_or_else(|| text("an integer"))?
            }
            O::LONG1 => {
                let length = input.length::<1>()?;
                number::long(input.take(length)?)
            }
            O::LONG4 => {
                let length = input.length::<4>()?;
                number::long(input.take(length)?)
            }
            O::UNICODE => Value::Text(number::raw_unicode_escape(input.line()?).ok_or_else(|| text("text"))?.into()),
            O::SHORT_BINUNICODE => Value::Text(utf8::<1>(input)?),
            O::BINUNICODE => Value::Text(utf8::<4>(input)?),
            O::BINUNICODE8 => Value::Text(utf8::<8>(input)?),
            O::SHORT_BINBYTES => Value::Bytes(counted::<1>(input)?.into()),
            O::BINBYTES => Value::Bytes(counted::<4>(input)?.into()),
            O::BINBYTES8 | O::BYTEARRAY8 => Value::Bytes(counted::<8>(input)?.into()),
            O::EMPTY_TUPLE => Value::Tuple(Vec::new()),
            O::EMPTY_LIST => Value::List(Vec::new()),
            O::EMPTY_DICT => Value::Dict(Vec::new()),
            O::EMPTY_SET => Value::Set(Vec::new()),
            O::TUPLE1 => Value::Tuple(self.last(frame, opcode, 1)?),
            O::TUPLE2 => Value::Tuple(self.last(frame, opcode, 2)?),
            O::TUPLE3 => Value::Tuple(self.last(frame, opcode, 3)?),
            O::TUPLE => Value::Tuple(self.marked(frame, opcode)?),
            O::LIST => Value::List(self.marked(frame, opcode)?),
            O::FROZENSET => Value::Set(self.marked(frame, opcode)?),
            O::DICT => Value::Dict(self.pairs(frame, opcode)?),
            _ => return Err(ReadError::Opcode { at, code: 0 }),
        })
    }

    /// Counts elements of an array against their limit, before they are made.
    pub(crate) fn charge(&mut self, elements: usize) -> Result<(), ReadError> {
        let left = self.elements.checked_sub(elements);
        self.elements = left.ok_or_else(|| self.limit("array elements", self.limits.elements))?;
        Ok(())
    }

    pub(crate) fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    pub(crate) fn operand(&self, opcode: &'static str, want: &'static str) -> ReadError {
        ReadError::Operand { at: self.at, opcode, want }
    }

    fn limit(&self, what: &'static str, limit: usize) -> ReadError {
        ReadError::Limit { at: self.at, what, limit }
    }

    fn refuse(&self, opcode: Opcode, why: &'static str) -> Result<(), ReadError> {
        Err(ReadError::Refused { at: self.at, opcode: opcode.name(), why })
    }

    pub(crate) fn add(&mut self, value: Value) -> Result<ValueId, ReadError> {
        let count = self.values.len();
        let id = u32::try_from(count).ok().filter(|_| count < self.limits.values);
        let id = id.ok_or_else(|| self.limit("values", self.limits.values))?;
        self.values.push(value);
        Ok(ValueId(id))
    }

    /// Lowest place of the stack that may be taken: what lies below a mark stays.
    fn floor(frame: &Frame) -> usize {
        frame.marks.last().copied().unwrap_or(0)
    }

    fn top(&self, frame: &Frame, opcode: Opcode) -> Result<ValueId, ReadError> {
        let top = frame.stack[Self::floor(frame)..].last().copied();
        top.ok_or(ReadError::Stack { at: self.at, opcode: opcode.name() })
    }

    fn pop(&self, frame: &mut Frame, opcode: Opcode) -> Result<ValueId, ReadError> {
        let top = self.top(frame, opcode)?;
        frame.stack.pop();
        Ok(top)
    }

    fn last(&self, frame: &mut Frame, opcode: Opcode, count: usize) -> Result<Vec<ValueId>, ReadError> {
        let from = frame.stack.len().checked_sub(count).filter(|&from| from >= Self::floor(frame));
        let from = from.ok_or(ReadError::Stack { at: self.at, opcode: opcode.name() })?;
        Ok(frame.stack.split_off(from))
    }

    /// Takes everything above the last mark.
    fn marked(&self, frame: &mut Frame, opcode: Opcode) -> Result<Vec<ValueId>, ReadError> {
        let mark = frame.marks.pop().ok_or(ReadError::Stack { at: self.at, opcode: opcode.name() })?;
        Ok(frame.stack.split_off(mark))
    }

    fn pairs(&self, frame: &mut Frame, opcode: Opcode) -> Result<Vec<(ValueId, ValueId)>, ReadError> {
        let items = self.marked(frame, opcode)?;
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.operand(opcode.name(), "keys and values"));
        }
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    }

    fn protocol(&mut self) -> Result<(), ReadError> {
        let version = self.input.byte()?;
        if version > 5 { Err(ReadError::Protocol { at: self.at, version }) } else { Ok(()) }
    }

    /// A frame only says how much may be read at once.
    fn frame(&mut self) -> Result<(), ReadError> {
        let length = self.input.length::<8>()?;
        if length > self.input.rest() { Err(ReadError::Truncated { at: self.at }) } else { Ok(()) }
    }

    fn index(&mut self, opcode: Opcode) -> Result<u64, ReadError> {
        use Opcode as O;
        Ok(match opcode {
            O::BINGET | O::BINPUT => u64::from(self.input.byte()?),
            O::LONG_BINGET | O::LONG_BINPUT => u64::from(u32::from_le_bytes(self.input.array()?)),
            _ => match number::decimal(self.input.line()?) {
                Some(Value::Int(index)) if index >= 0 => index.cast_unsigned(),
                _ => return Err(ReadError::Text { at: self.at, what: "a memo entry" }),
            },
        })
    }

    fn recall(&mut self, opcode: Opcode, frame: &mut Frame) -> Result<(), ReadError> {
        let index = self.index(opcode)?;
        let id = frame.memo.get(&index).copied().ok_or(ReadError::Memo { at: self.at, index })?;
        frame.stack.push(id);
        Ok(())
    }

    fn remember(&mut self, opcode: Opcode, frame: &mut Frame) -> Result<(), ReadError> {
        let index = if opcode == Opcode::MEMOIZE { frame.memo.len() as u64 } else { self.index(opcode)? };
        let top = self.top(frame, opcode)?;
        self.remembered += 1;
        if self.remembered > self.limits.values {
            return Err(self.limit("memo entries", self.limits.values));
        }
        frame.memo.insert(index, top);
        Ok(())
    }

    /// Puts elements into what lies below them on the stack.
    fn fill(&mut self, opcode: Opcode, frame: &mut Frame) -> Result<(), ReadError> {
        use Opcode as O;
        let mut items = match opcode {
            O::APPEND => self.last(frame, opcode, 1)?,
            O::SETITEM => self.last(frame, opcode, 2)?,
            _ => self.marked(frame, opcode)?,
        };
        let target = self.top(frame, opcode)?;
        let by_pair = matches!(opcode, O::SETITEM | O::SETITEMS);
        let (pairs, rest) = items.as_chunks::<2>();
        let pairs = pairs.iter().map(|&[key, value]| (key, value));
        match (&mut self.values[target.0 as usize], opcode) {
            (Value::Dict(entries), _) if by_pair && rest.is_empty() => entries.extend(pairs),
            (Value::Object(object), _) if by_pair && rest.is_empty() => object.entries.extend(pairs),
            (Value::List(list), O::APPEND | O::APPENDS) => list.append(&mut items),
            (Value::Object(object), O::APPEND | O::APPENDS) => object.items.append(&mut items),
            (Value::Set(set), O::ADDITEMS) => set.append(&mut items),
            _ => return Err(self.operand(opcode.name(), "a container of its kind")),
        }
        Ok(())
    }

    fn global(&mut self, opcode: Opcode, frame: &mut Frame) -> Result<Value, ReadError> {
        let at = self.at;
        let (module, name) = if opcode == Opcode::GLOBAL {
            let line = |bytes| std::str::from_utf8(bytes).map_err(|_| ReadError::Text { at, what: "UTF-8 text" });
            (line(self.input.line()?)?, line(self.input.line()?)?)
        } else {
            let names = self.last(frame, opcode, 2)?;
            match (self.value(names[0]), self.value(names[1])) {
                (Value::Text(module), Value::Text(name)) => (&**module, &**name),
                _ => return Err(self.operand(opcode.name(), "two texts")),
            }
        };
        globals::find(module, name).map(Value::Global).ok_or_else(|| {
            let cut = |text: &str| text.chars().take(80).collect();
            ReadError::Global { at, module: cut(module), name: cut(name) }
        })
    }
}

fn counted<'a, const N: usize>(input: &mut Cursor<'a>) -> Result<&'a [u8], ReadError> {
    let length = input.length::<N>()?;
    input.take(length)
}

fn utf8<const N: usize>(input: &mut Cursor<'_>) -> Result<Box<str>, ReadError> {
    let at = input.at();
    std::str::from_utf8(counted::<N>(input)?).map(Into::into).map_err(|_| ReadError::Text { at, what: "UTF-8 text" })
}

impl Value {
    /// An object that nothing fills yet.
    pub(crate) fn object(object: Object) -> Self {
        Self::Object(Box::new(object))
    }
}
