//! A small typed assembler: locals know their type, loops their trip count, and one place knows what a multiply-add is
//! in either profile.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, ValType};

use crate::flavour::Profile;

/// An `i32` local: an address or a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ptr(u32);

/// A `v128` local: four `f32` lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vec4(u32);

/// The bounds of a clamp. One that is infinite changes nothing and is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds<T> {
    pub(crate) low: Option<T>,
    pub(crate) high: Option<T>,
}

impl Bounds<f32> {
    pub(crate) fn new(low: f32, high: f32) -> Self {
        Self {
            low: Some(low).filter(|&low| low != f32::NEG_INFINITY),
            high: Some(high).filter(|&high| high != f32::INFINITY),
        }
    }
}

/// A finished function without results: so many `i32` parameters and the encoded body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) params: u32,
    pub(crate) code: Vec<u8>,
}

/// One function under construction.
pub(crate) struct Asm {
    profile: Profile,
    params: u32,
    locals: Vec<ValType>,
    code: Vec<u8>,
}

impl Asm {
    /// A function with so many `i32` parameters.
    pub(crate) fn new(profile: Profile, params: u32) -> Self {
        Self { profile, params, locals: Vec::new(), code: Vec::new() }
    }

    pub(crate) fn finish(mut self) -> Body {
        self.sink().end();
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.code);
        Body { params: self.params, code: function.into_raw_body() }
    }

    pub(crate) fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    pub(crate) fn param(&self, index: u32) -> Ptr {
        debug_assert!(index < self.params);
        Ptr(index)
    }

    pub(crate) fn ptr(&mut self) -> Ptr {
        Ptr(self.local(ValType::I32))
    }

    pub(crate) fn vec4(&mut self) -> Vec4 {
        Vec4(self.local(ValType::V128))
    }

    pub(crate) fn vec4s(&mut self, count: u32) -> Vec<Vec4> {
        (0..count).map(|_| self.vec4()).collect()
    }

    fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        self.params + self.locals.len() as u32 - 1
    }

    pub(crate) fn set(&mut self, to: Ptr, value: u32) {
        self.sink().i32_const(value.cast_signed()).local_set(to.0);
    }

    pub(crate) fn get(&mut self, ptr: Ptr) {
        self.sink().local_get(ptr.0);
    }

    /// `to = from + bytes`, modulo 2^32.
    pub(crate) fn offset(&mut self, to: Ptr, from: Ptr, bytes: u32) {
        if bytes == 0 {
            if to != from {
                self.sink().local_get(from.0).local_set(to.0);
            }
            return;
        }
        self.sink().local_get(from.0).i32_const(bytes.cast_signed()).i32_add().local_set(to.0);
    }

    pub(crate) fn advance(&mut self, ptr: Ptr, bytes: u32) {
        self.offset(ptr, ptr, bytes);
    }

    /// `ptr += count * bytes`.
    pub(crate) fn advance_by(&mut self, ptr: Ptr, count: Ptr, bytes: u32) {
        self.sink()
            .local_get(ptr.0)
            .local_get(count.0)
            .i32_const(bytes.cast_signed())
            .i32_mul()
            .i32_add()
            .local_set(ptr.0);
    }

    /// `to = min(from, limit)`, unsigned.
    pub(crate) fn at_most(&mut self, to: Ptr, from: Ptr, limit: u32) {
        self.sink()
            .local_get(from.0)
            .i32_const(limit.cast_signed())
            .local_get(from.0)
            .i32_const(limit.cast_signed())
            .i32_lt_u()
            .select()
            .local_set(to.0);
    }

    /// `to -= from`.
    pub(crate) fn reduce(&mut self, to: Ptr, from: Ptr) {
        self.sink().local_get(to.0).local_get(from.0).i32_sub().local_set(to.0);
    }

    /// Runs the body so many times; a single turn needs no loop.
    pub(crate) fn repeat(&mut self, count: u32, body: impl FnOnce(&mut Self)) {
        match count {
            0 => {}
            1 => body(self),
            _ => {
                let left = self.ptr();
                self.set(left, count);
                self.repeat_down(left, body);
            }
        }
    }

    /// Runs the body `left` times, at least once, counting `left` down to zero.
    pub(crate) fn repeat_down(&mut self, left: Ptr, body: impl FnOnce(&mut Self)) {
        self.sink().loop_(BlockType::Empty);
        body(self);
        self.sink().local_get(left.0).i32_const(1).i32_sub().local_tee(left.0).br_if(0).end();
    }

    /// Runs the body until `at` equals `end`, at least once.
    pub(crate) fn repeat_until(&mut self, at: Ptr, end: Ptr, body: impl FnOnce(&mut Self)) {
        self.sink().loop_(BlockType::Empty);
        body(self);
        self.sink().local_get(at.0).local_get(end.0).i32_ne().br_if(0).end();
    }

    /// Runs the body until `left` is zero, at least once; the body counts it down.
    pub(crate) fn repeat_while(&mut self, left: Ptr, body: impl FnOnce(&mut Self)) {
        self.sink().loop_(BlockType::Empty);
        body(self);
        self.sink().local_get(left.0).br_if(0).end();
    }

    pub(crate) fn load(&mut self, to: Vec4, from: Ptr, offset: u32) {
        self.sink().local_get(from.0).v128_load(at(offset)).local_set(to.0);
    }

    /// All four lanes become the one f32, by a splatting load.
    pub(crate) fn load_splat(&mut self, to: Vec4, from: Ptr, offset: u32) {
        self.sink().local_get(from.0).v128_load32_splat(at(offset)).local_set(to.0);
    }

    /// All four lanes become the one f32, by a scalar load and a splat.
    pub(crate) fn load_scalar_splat(&mut self, to: Vec4, from: Ptr, offset: u32) {
        self.sink().local_get(from.0).f32_load(at(offset)).f32x4_splat().local_set(to.0);
    }

    /// Two f32 in the low lanes, zeros above.
    pub(crate) fn load_pair(&mut self, to: Vec4, from: Ptr, offset: u32) {
        self.sink().local_get(from.0).v128_load64_zero(at(offset)).local_set(to.0);
    }

    /// The first `lanes` f32 and zeros above; reads no byte beyond them.
    pub(crate) fn load_lanes(&mut self, to: Vec4, from: Ptr, offset: u32, lanes: u32) {
        match lanes {
            1 => {
                self.sink().local_get(from.0).v128_load32_zero(at(offset)).local_set(to.0);
            }
            2 => self.load_pair(to, from, offset),
            3 => {
                self.load_pair(to, from, offset);
                self.sink().local_get(from.0).local_get(to.0).v128_load32_lane(at(offset + 8), 2).local_set(to.0);
            }
            _ => self.load(to, from, offset),
        }
    }

    /// Stores the first `lanes` f32.
    pub(crate) fn store_lanes(&mut self, value: Vec4, to: Ptr, offset: u32, lanes: u32) {
        let mut sink = self.sink();
        sink.local_get(to.0).local_get(value.0);
        match lanes {
            1 => sink.v128_store32_lane(at(offset), 0),
            2 => sink.v128_store64_lane(at(offset), 0),
            3 => sink
                .v128_store64_lane(at(offset), 0)
                .local_get(to.0)
                .local_get(value.0)
                .v128_store32_lane(at(offset + 8), 2),
            _ => sink.v128_store(at(offset)),
        };
    }

    /// All four lanes become lane 0 or 1.
    pub(crate) fn spread(&mut self, to: Vec4, from: Vec4, lane: u8) {
        let lanes = std::array::from_fn(|i| lane * 4 + i as u8 % 4);
        self.sink().local_get(from.0).local_get(from.0).i8x16_shuffle(lanes).local_set(to.0);
    }

    pub(crate) fn splat(&mut self, to: Vec4, value: f32) {
        self.push_splat(value);
        self.sink().local_set(to.0);
    }

    pub(crate) fn assign(&mut self, to: Vec4, from: Vec4) {
        self.sink().local_get(from.0).local_set(to.0);
    }

    /// `acc = acc + a * b`: two roundings in the strict profile, one where the fast one finds an FMA.
    pub(crate) fn multiply_add(&mut self, acc: Vec4, a: Vec4, b: Vec4) {
        let fused = self.profile == Profile::Fast;
        let mut sink = self.sink();
        if fused {
            sink.local_get(a.0).local_get(b.0).local_get(acc.0).f32x4_relaxed_madd();
        } else {
            sink.local_get(acc.0).local_get(a.0).local_get(b.0).f32x4_mul().f32x4_add();
        }
        sink.local_set(acc.0);
    }

    /// `to = op(a)`.
    pub(crate) fn apply(&mut self, to: Vec4, a: Vec4, op: impl FnOnce(&mut InstructionSink<'_>)) {
        let mut sink = self.sink();
        sink.local_get(a.0);
        op(&mut sink);
        sink.local_set(to.0);
    }

    /// `to = op(a, b)`.
    pub(crate) fn combine(&mut self, to: Vec4, a: Vec4, b: Vec4, op: impl FnOnce(&mut InstructionSink<'_>)) {
        let mut sink = self.sink();
        sink.local_get(a.0).local_get(b.0);
        op(&mut sink);
        sink.local_set(to.0);
    }

    /// `to = op(a, constant)`.
    pub(crate) fn combine_splat(
        &mut self,
        to: Vec4,
        a: Vec4,
        constant: f32,
        op: impl FnOnce(&mut InstructionSink<'_>),
    ) {
        self.sink().local_get(a.0);
        self.push_splat(constant);
        let mut sink = self.sink();
        op(&mut sink);
        sink.local_set(to.0);
    }

    /// `to = mask ? a : b`, bit by bit.
    pub(crate) fn choose(&mut self, to: Vec4, mask: Vec4, a: Vec4, b: Vec4) {
        self.sink().local_get(a.0).local_get(b.0).local_get(mask.0).v128_bitselect().local_set(to.0);
    }

    /// Clamps in place. The bound stands second, so that NaN and -0.0 pass (`kernels/ORDER.md`).
    pub(crate) fn clamp_by(&mut self, value: Vec4, bounds: Bounds<Vec4>) {
        if let Some(low) = bounds.low {
            self.combine(value, value, low, |i| {
                i.f32x4_pmax();
            });
        }
        if let Some(high) = bounds.high {
            self.combine(value, value, high, |i| {
                i.f32x4_pmin();
            });
        }
    }

    /// Clamps in place to constant bounds.
    pub(crate) fn clamp(&mut self, value: Vec4, bounds: Bounds<f32>) {
        if let Some(low) = bounds.low {
            self.combine_splat(value, value, low, |i| {
                i.f32x4_pmax();
            });
        }
        if let Some(high) = bounds.high {
            self.combine_splat(value, value, high, |i| {
                i.f32x4_pmin();
            });
        }
    }

    pub(crate) fn push_splat(&mut self, value: f32) {
        let lane = i128::from(value.to_bits());
        self.sink().v128_const(lane | lane << 32 | lane << 64 | lane << 96);
    }

    /// `memory.fill` of a constant length.
    pub(crate) fn fill(&mut self, to: Ptr, offset: u32, byte: u8, len: u32) {
        let mut sink = self.sink();
        sink.local_get(to.0);
        if offset != 0 {
            sink.i32_const(offset.cast_signed()).i32_add();
        }
        sink.i32_const(i32::from(byte)).i32_const(len.cast_signed()).memory_fill(0);
    }
}

/// The immediate of an access. The alignment is a hint: an `f32` is the least that every operand keeps.
pub(crate) fn at(offset: u32) -> MemArg {
    MemArg { offset: u64::from(offset), align: 2, target: MemArgTarget::Memory(0), ordering: None }
}

/// The immediate of an access to bytes that keep no alignment.
pub(crate) fn at_byte(offset: u32) -> MemArg {
    MemArg { align: 0, ..at(offset) }
}
