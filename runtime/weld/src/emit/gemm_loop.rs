//! The inner loop of every contraction: a tile of accumulators, a run of k.
//!
//! Cranelift has 16 vector registers on x64 and one spilled accumulator halves the speed, so tiles are chosen by the
//! budget of [`Tile::live`]. V8 keeps more in the load itself. One chain per accumulator in ascending k: no tile shape
//! and no flavour of one profile changes a bit.

use super::asm::{Asm, Ptr, Vec4};
use crate::flavour::{Flavour, Profile, Tuning};

/// How one value of A is brought to all lanes of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Two values by one load, spread by a shuffle each; two steps of k per turn.
    Pair,
    /// A splatting load.
    Splat,
    /// A scalar load and a splat.
    Scalar,
}

impl Form {
    /// Steps of k per turn of the loop.
    const fn unroll(self) -> u32 {
        match self {
            Self::Pair => 2,
            Self::Splat | Self::Scalar => 1,
        }
    }
}

/// A block of accumulators: `rows` output pixels by `vectors` times four output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) rows: u32,
    pub(crate) vectors: u32,
    pub(crate) form: Form,
}

/// Vector registers of an x64 host.
const REGISTERS: u32 = 16;

impl Tile {
    /// The main tile of a flavour, 8 output channels wide.
    pub(crate) const fn main(flavour: Flavour) -> Self {
        let (rows, form) = match (flavour.profile, flavour.tuning) {
            (Profile::Fast, Tuning::Cranelift) => (4, Form::Pair),
            (Profile::Fast, Tuning::V8) => (6, Form::Splat),
            (Profile::Strict, Tuning::Cranelift) => (4, Form::Scalar),
            (Profile::Strict, Tuning::V8) => (5, Form::Splat),
        };
        Self { rows, vectors: 2, form }
    }

    /// The tile for runs of so many values that the accumulators outlive. An odd run would make the pair form spill.
    pub(crate) const fn for_runs(self, run: u32, many: bool) -> Self {
        match self.form {
            Form::Pair if many && run % 2 == 1 => Self { form: Form::Scalar, ..self },
            _ => self,
        }
    }

    /// The tile for so few rows that whole panels beside each other fill the registers instead: `None` for more rows.
    pub(crate) const fn wide(rows: u32) -> Option<Self> {
        match rows {
            1 => Some(Self { rows, vectors: 6, form: Form::Splat }),
            2 => Some(Self { rows, vectors: 4, form: Form::Splat }),
            _ => None,
        }
    }

    /// Vector registers that the loop keeps live: accumulators, B of every unrolled step, A, the splats of the row at
    /// hand and a copy of one multiplicand.
    pub(crate) const fn live(self) -> u32 {
        let unroll = self.form.unroll();
        let (a, splats) = match self.form {
            Form::Pair | Form::Splat => (0, unroll),
            Form::Scalar => (self.rows * unroll, 0),
        };
        self.rows * self.vectors + unroll * self.vectors + a + splats + 1
    }

    /// Accumulators, row by row: the order in which they must first be used.
    pub(crate) fn accumulators(self, asm: &mut Asm) -> Vec<Vec4> {
        debug_assert!(self.live() <= REGISTERS, "{self:?} spills");
        asm.vec4s(self.rows * self.vectors)
    }
}

/// The operands of a run. Pointers advance over what was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// First of `k` f32 of A in the tile's first row.
    pub(crate) a: Ptr,
    /// Bytes between the rows of A.
    pub(crate) a_row: u32,
    /// Rows of 8 columns of B.
    pub(crate) b: Ptr,
    pub(crate) stride: Stride,
    /// Number of steps.
    pub(crate) k: u32,
    /// Columns of the last vector that exist; only packed panels are padded.
    pub(crate) last_lanes: u32,
}

/// How B lies in memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stride {
    /// Between panels of 8 columns.
    pub(crate) panel: u32,
    /// Between steps of k.
    pub(crate) step: u32,
    /// Whether the last panel is as wide as the others.
    pub(crate) padded: bool,
}

impl Stride {
    /// Panels `[k][8]`.
    pub(crate) const fn packed(panel: u32) -> Self {
        Self { panel, step: 32, padded: true }
    }

    /// A row-major matrix.
    pub(crate) const fn plain(row: u32) -> Self {
        Self { panel: 32, step: row, padded: false }
    }
}

/// `acc[i][j] += a[i][k] * b[k][j]` for k ascending.
pub(crate) fn emit(asm: &mut Asm, tile: Tile, acc: &[Vec4], run: Run) {
    let unroll = tile.form.unroll();
    match run.k / unroll {
        0 => {}
        1 => steps(asm, tile, acc, run),
        turns => {
            let end = asm.ptr();
            asm.offset(end, run.b, turns * unroll * run.stride.step);
            asm.repeat_until(run.b, end, |asm| steps(asm, tile, acc, run));
        }
    }
    if !run.k.is_multiple_of(unroll) {
        steps(asm, Tile { form: Form::Splat, ..tile }, acc, run);
    }
}

/// One turn of the loop.
fn steps(asm: &mut Asm, tile: Tile, acc: &[Vec4], run: Run) {
    let unroll = tile.form.unroll();
    let pairs = if tile.form == Form::Pair { asm.vec4s(tile.rows) } else { Vec::new() };
    for step in 0..unroll {
        let b = asm.vec4s(tile.vectors);
        for (j, &b) in (0..).zip(&b) {
            let lanes = if j + 1 == tile.vectors { run.last_lanes } else { 4 };
            asm.load_lanes(b, run.b, j / 2 * run.stride.panel + step * run.stride.step + j % 2 * 16, lanes);
        }
        for (i, row) in (0..).zip(acc.chunks_exact(tile.vectors as usize)) {
            let a = asm.vec4();
            match tile.form {
                Form::Splat => asm.load_splat(a, run.a, i * run.a_row),
                Form::Scalar => asm.load_scalar_splat(a, run.a, i * run.a_row),
                Form::Pair => {
                    let pair = pairs[i as usize];
                    if step == 0 {
                        asm.load_pair(pair, run.a, i * run.a_row);
                    }
                    asm.spread(a, pair, step as u8);
                }
            }
            for (&acc, &b) in row.iter().zip(&b) {
                asm.multiply_add(acc, a, b);
            }
        }
    }
    asm.advance(run.a, 4 * unroll);
    asm.advance(run.b, run.stride.step * unroll);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_fits_the_registers() {
        for flavour in Flavour::ALL {
            let main = Tile::main(flavour);
            assert!(main.live() <= REGISTERS, "{flavour}: {main:?} keeps {}", main.live());
            let odd = main.for_runs(9, true);
            assert!(odd.live() <= REGISTERS, "{flavour}: {odd:?}");
            if flavour.tuning == Tuning::Cranelift {
                assert!(main.live() < REGISTERS, "{flavour}: whole layers need one register to spare");
            }
        }
        for rows in [1, 2] {
            assert!(Tile::wide(rows).unwrap().live() < REGISTERS);
        }
        assert_eq!(Tile::wide(3), None);
    }
}
