//! The loops around [`gemm_loop`](super::gemm_loop): a rectangle of output pixels that share their taps.
//!
//! K splits into runs: a filter row is one contiguous run of an NHWC image, so a convolution needs no gather and no
//! copy. The nest is row blocks, panels of 8 output channels, rows of the block, tiles of the row; A and C of a block
//! stay in the cache while the panels pass.

use super::asm::{Asm, Bounds, Ptr, Vec4};
use super::gemm_loop::{self, Run, Stride, Tile};

/// Bytes of A and C that one block may touch.
const BLOCK_BYTES: u32 = 128 * 1024;

/// Where a tensor's pixels lie, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// From the base address to the rectangle's first pixel.
    pub(crate) start: u32,
    /// Between output pixels of a row.
    pub(crate) column: u32,
    /// Between output rows.
    pub(crate) row: u32,
}

impl Grid {
    fn advanced(self, rows: u32, columns: u32) -> Self {
        let start =
            self.start.wrapping_add(rows.wrapping_mul(self.row)).wrapping_add(columns.wrapping_mul(self.column));
        Self { start, ..self }
    }

    /// Whether so many columns end where the next row begins.
    pub(crate) fn is_contiguous(self, columns: u32) -> bool {
        u64::from(columns) * u64::from(self.column) == u64::from(self.row)
    }
}

/// Repeated runs: after each, A moves to the next and B skips the taps that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub(crate) count: u32,
    /// Bytes of A between the starts of neighbouring repeats.
    pub(crate) a_step: u32,
    /// Bytes of B skipped after each repeat.
    pub(crate) b_skip: u32,
}

/// The taps of a rectangle: `outer` times `inner` times a run of `k` values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taps {
    /// Bytes from a panel's start to the first tap.
    pub(crate) first: u32,
    pub(crate) outer: Repeat,
    pub(crate) inner: Repeat,
    pub(crate) k: u32,
}

/// What all rectangles of a step share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) tile: Tile,
    /// Output channels.
    pub(crate) n: u32,
    pub(crate) b: Stride,
    pub(crate) bounds: Bounds<f32>,
}

/// Base addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bases {
    pub(crate) x: Ptr,
    pub(crate) w: Ptr,
    /// Where each chain starts; from 0.0 if there is none.
    pub(crate) bias: Option<Ptr>,
    pub(crate) y: Ptr,
    pub(crate) residual: Option<Ptr>,
    /// The bounds of the clamp, low and high, as the step's record in the Plan holds them. Loaded after each tile's
    /// loop: a constant would be hoisted out of it and take a register from the accumulators.
    pub(crate) bounds: Option<Ptr>,
}

/// A rectangle of output pixels that share their taps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rectangle {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) x: Grid,
    pub(crate) y: Grid,
    pub(crate) residual: Grid,
    pub(crate) taps: Taps,
}

/// Writes the loops of a rectangle.
pub(crate) fn emit(asm: &mut Asm, layer: &Layer, bases: &Bases, rectangle: Rectangle) {
    let flat = rectangle.upright().flattened();
    for part in flat.blocked(layer) {
        Nest::new(layer, bases, part).emit(asm);
    }
}

impl Rectangle {
    /// One pixel per row is one row of pixels.
    fn upright(self) -> Self {
        if self.columns > 1 || self.rows == 1 {
            return self;
        }
        let turn = |grid: Grid| Grid { column: grid.row, row: grid.column, ..grid };
        let (x, y, residual) = (turn(self.x), turn(self.y), turn(self.residual));
        Self { rows: 1, columns: self.rows, x, y, residual, ..self }
    }

    /// Rows that follow each other without a gap everywhere are one row.
    fn flattened(self) -> Self {
        let contiguous = [self.x, self.y, self.residual].into_iter().all(|grid| grid.is_contiguous(self.columns));
        if self.rows > 1 && contiguous { Self { rows: 1, columns: self.rows * self.columns, ..self } } else { self }
    }

    /// A long row cut into rows that fit the cache, and what is left over. Equal rows share their code.
    fn blocked(self, layer: &Layer) -> Vec<Self> {
        let rows = layer.tile.rows;
        let tile_bytes = u64::from(rows) * u64::from(self.x.column + self.y.column);
        let limit = (u64::from(BLOCK_BYTES) / tile_bytes.max(1)).clamp(4, 1 << 16) as u32;
        let tiles = self.columns / rows;
        if self.rows > 1 || tiles <= limit {
            return vec![self];
        }
        let even = (limit / 2..=limit).rev().find(|block| tiles.is_multiple_of(*block));
        let block = even.unwrap_or(limit);
        let columns = block * rows;
        let row = |grid: Grid| Grid { row: columns * grid.column, ..grid };
        let (x, y, residual) = (row(self.x), row(self.y), row(self.residual));
        let main = Self { rows: tiles / block, columns, x, y, residual, ..self };
        let done = main.rows * columns;
        let mut parts = vec![main];
        if done < self.columns {
            let skip = |grid: Grid| grid.advanced(0, done);
            let (x, y, residual) = (skip(self.x), skip(self.y), skip(self.residual));
            parts.push(Self { columns: self.columns - done, x, y, residual, ..self });
        }
        parts
    }
}

/// The pointers of one level of the nest.
#[derive(Clone, Copy)]
struct Level {
    x: Ptr,
    y: Ptr,
    residual: Option<Ptr>,
}

impl Level {
    fn new(asm: &mut Asm, residual: bool) -> Self {
        Self { x: asm.ptr(), y: asm.ptr(), residual: residual.then(|| asm.ptr()) }
    }

    fn copy(self, asm: &mut Asm, from: Self) {
        asm.offset(self.x, from.x, 0);
        asm.offset(self.y, from.y, 0);
        if let (Some(to), Some(from)) = (self.residual, from.residual) {
            asm.offset(to, from, 0);
        }
    }

    fn advance(self, asm: &mut Asm, x: u32, y: u32, residual: u32) {
        asm.advance(self.x, x);
        self.advance_output(asm, y, residual);
    }

    fn advance_output(self, asm: &mut Asm, y: u32, residual: u32) {
        asm.advance(self.y, y);
        if let Some(ptr) = self.residual {
            asm.advance(ptr, residual);
        }
    }
}

/// Channels that a pass over the panels covers.
#[derive(Clone, Copy)]
struct Pass {
    /// Number of turns, and vectors of each.
    turns: u32,
    vectors: u32,
    /// Output channels of one turn; only the last turn of all may leave lanes over.
    channels: u32,
}

struct Nest<'a> {
    layer: &'a Layer,
    bases: &'a Bases,
    part: Rectangle,
    /// The tile without regard to how many panels stand side by side.
    tile: Tile,
}

impl<'a> Nest<'a> {
    fn new(layer: &'a Layer, bases: &'a Bases, part: Rectangle) -> Self {
        let main = layer.tile;
        // Panels side by side reach 2 panels far; the distance stays within what guard pages cover.
        let near = layer.b.panel < 4 << 20;
        let tile = match Tile::wide(part.columns) {
            Some(wide) if near && layer.n >= 16 => wide,
            _ => Tile { rows: part.columns.div_ceil(part.columns.div_ceil(main.rows)), ..main },
        };
        Self { layer, bases, part, tile }
    }

    fn emit(&self, asm: &mut Asm) {
        let has_residual = self.bases.residual.is_some();
        let block = Level::new(asm, has_residual);
        asm.offset(block.x, self.bases.x, self.part.x.start);
        asm.offset(block.y, self.bases.y, self.part.y.start);
        if let (Some(to), Some(from)) = (block.residual, self.bases.residual) {
            asm.offset(to, from, self.part.residual.start);
        }
        let rows = self.rows_per_block();
        if rows == self.part.rows {
            self.block(asm, block, None);
        } else if rows == 1 {
            asm.repeat(self.part.rows, |asm| {
                self.block(asm, block, None);
                block.advance(asm, self.part.x.row, self.part.y.row, self.part.residual.row);
            });
        } else {
            self.blocks(asm, block, rows);
        }
    }

    /// Blocks of several rows, the last one possibly shorter.
    fn blocks(&self, asm: &mut Asm, block: Level, rows: u32) {
        let (left, taken) = (asm.ptr(), asm.ptr());
        asm.set(left, self.part.rows);
        asm.repeat_while(left, |asm| {
            asm.at_most(taken, left, rows);
            self.block(asm, block, Some(taken));
            asm.advance_by(block.x, taken, self.part.x.row);
            asm.advance_by(block.y, taken, self.part.y.row);
            if let Some(ptr) = block.residual {
                asm.advance_by(ptr, taken, self.part.residual.row);
            }
            asm.reduce(left, taken);
        });
    }

    fn rows_per_block(&self) -> u32 {
        let columns = u64::from(self.part.columns);
        let bytes = columns * u64::from(self.part.x.column.max(self.part.taps.k * 4) + self.part.y.column);
        let fitting = (u64::from(BLOCK_BYTES) / bytes.max(1)).max(1);
        if u64::from(self.part.rows) <= fitting { self.part.rows } else { fitting as u32 }
    }

    fn passes(&self) -> Vec<Pass> {
        let vectors = self.tile.vectors;
        let panels = vectors / 2;
        let full = self.layer.n / 8;
        let over = self.layer.n % 8;
        let beside = Pass { turns: full / panels, vectors, channels: 8 * panels };
        let rest = Pass { turns: 1, vectors: full % panels * 2, channels: full % panels * 8 };
        let last = Pass { turns: 1, vectors: over.div_ceil(4), channels: over };
        [beside, rest, last].into_iter().filter(|pass| pass.turns > 0 && pass.channels > 0).collect()
    }

    /// All channels of a block; `taken` rows, or else one block holds what the part holds.
    fn block(&self, asm: &mut Asm, block: Level, taken: Option<Ptr>) {
        let w = asm.ptr();
        asm.offset(w, self.bases.w, self.part.taps.first);
        let bias = self.bases.bias.map(|from| {
            let bias = asm.ptr();
            asm.offset(bias, from, 0);
            bias
        });
        let panel = Level::new(asm, block.residual.is_some());
        panel.copy(asm, block);
        for pass in self.passes() {
            asm.repeat(pass.turns, |asm| {
                let row = Level::new(asm, block.residual.is_some());
                row.copy(asm, panel);
                match taken {
                    Some(taken) => {
                        let left = asm.ptr();
                        asm.offset(left, taken, 0);
                        asm.repeat_down(left, |asm| self.row(asm, row, w, bias, pass));
                    }
                    None => asm.repeat(self.rows_in_block(), |asm| self.row(asm, row, w, bias, pass)),
                }
                let bytes = pass.channels * 4;
                asm.advance(w, pass.channels / 8 * self.layer.b.panel);
                if let Some(bias) = bias {
                    asm.advance(bias, bytes);
                }
                panel.advance_output(asm, bytes, bytes);
            });
        }
    }

    fn rows_in_block(&self) -> u32 {
        if self.rows_per_block() == self.part.rows { self.part.rows } else { 1 }
    }

    /// The tiles of a row; leaves the level at the next row.
    fn row(&self, asm: &mut Asm, row: Level, w: Ptr, bias: Option<Ptr>, pass: Pass) {
        let rows = self.tile.rows;
        let column = Level::new(asm, row.residual.is_some());
        column.copy(asm, row);
        let (x, y, residual) = (self.part.x, self.part.y, self.part.residual);
        asm.repeat(self.part.columns / rows, |asm| {
            self.tile(asm, column, w, bias, Tile { vectors: pass.vectors, ..self.tile }, pass.channels);
            column.advance(asm, rows * x.column, rows * y.column, rows * residual.column);
        });
        let over = self.part.columns % rows;
        if over > 0 {
            self.tile(
                asm,
                column,
                w,
                bias,
                Tile { rows: over, vectors: pass.vectors, form: self.tile.form },
                pass.channels,
            );
        }
        row.advance(asm, x.row, y.row, residual.row);
    }

    /// One tile: bias, taps, residual, clamp.
    fn tile(&self, asm: &mut Asm, at: Level, w: Ptr, bias: Option<Ptr>, tile: Tile, channels: u32) {
        let acc = tile.accumulators(asm);
        let (first, others) = acc.split_at(tile.vectors as usize);
        for (j, &acc) in (0..).zip(first) {
            match bias {
                Some(bias) => asm.load(acc, bias, 16 * j),
                None => asm.splat(acc, 0.0),
            }
        }
        for (&acc, &from) in others.iter().zip(first.iter().cycle()) {
            asm.assign(acc, from);
        }
        let taps = self.part.taps;
        let last_lanes = if self.layer.b.padded { 4 } else { channels - 4 * (tile.vectors - 1) };
        let (a, b) = (asm.ptr(), asm.ptr());
        asm.offset(b, w, 0);
        let run = Run { a, a_row: self.part.x.column, b, stride: self.layer.b, k: taps.k, last_lanes };
        repeat_run(asm, taps.outer, at.x, b, |asm, from| {
            repeat_run(asm, taps.inner, from, b, |asm, from| {
                asm.offset(a, from, 0);
                gemm_loop::emit(asm, tile, &acc, run);
            });
        });
        let bounds = self.bounds(asm);
        for (i, row) in (0..).zip(acc.chunks_exact(tile.vectors as usize)) {
            for (j, &acc) in (0..).zip(row) {
                self.store(asm, at, acc, bounds, [i, j], (channels - 4 * j).min(4));
            }
        }
    }

    fn bounds(&self, asm: &mut Asm) -> Bounds<Vec4> {
        let Some(from) = self.bases.bounds else { return Bounds { low: None, high: None } };
        let mut load = |offset| {
            let bound = asm.vec4();
            asm.load_splat(bound, from, offset);
            bound
        };
        let Bounds { low, high } = self.layer.bounds;
        Bounds { low: low.map(|_| load(0)), high: high.map(|_| load(4)) }
    }

    fn store(&self, asm: &mut Asm, at: Level, acc: Vec4, bounds: Bounds<Vec4>, [i, j]: [u32; 2], lanes: u32) {
        if let Some(ptr) = at.residual {
            let residual = asm.vec4();
            asm.load_lanes(residual, ptr, i * self.part.residual.column + 16 * j, lanes);
            asm.combine(acc, acc, residual, |op| {
                op.f32x4_add();
            });
        }
        asm.clamp_by(acc, bounds);
        asm.store_lanes(acc, at.y, i * self.part.y.column + 16 * j, lanes);
    }
}

/// Calls the body with the start of A of each repeat.
fn repeat_run(asm: &mut Asm, repeat: Repeat, from: Ptr, b: Ptr, body: impl FnOnce(&mut Asm, Ptr)) {
    if repeat.count == 1 {
        body(asm, from);
        return;
    }
    let at = asm.ptr();
    asm.offset(at, from, 0);
    asm.repeat(repeat.count, |asm| {
        body(asm, at);
        asm.advance(at, repeat.a_step);
        asm.advance(b, repeat.b_skip);
    });
}
