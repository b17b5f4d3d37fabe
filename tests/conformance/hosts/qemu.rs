//! The engine on the processors that QEMU emulates, by the firmware image `infer`.

use mote_qemu::{Board, Count, Emulator, QemuError, Status};

use super::{Absent, Host, Ran};
use crate::subject::Subject;

/// Boards and the heads of their columns.
const BOARDS: [(&str, &str); 3] = [("an386", "M4F"), ("an505", "M33"), ("an547", "M55")];

/// The most that one model may take, in scalar operations over all its sets: several seconds of emulation.
const MAX_OPERATIONS: u64 = 400_000_000;

/// A board, and the emulator that has its image.
pub(crate) struct Qemu {
    emulator: Emulator,
    board: &'static Board,
    name: &'static str,
}

impl Qemu {
    /// Every board, or why it is absent.
    pub(crate) fn all() -> impl Iterator<Item = Result<Self, Absent>> {
        BOARDS.into_iter().map(|(board, name)| match Emulator::find() {
            Ok(emulator) => Ok(Self { emulator, board: Board::named(board).unwrap(), name }),
            Err(error) => Err(Absent { name, missing: error.to_string() }),
        })
    }

    fn answers(&self, subject: &Subject) -> Ran {
        if subject.operations() > MAX_OPERATIONS {
            return Ran::Unfit("long");
        }
        let sets: Vec<Vec<u8>> = subject.sets.iter().map(|set| set.inputs.concat()).collect();
        match self.emulator.infer(self.board, &subject.mcu_plan, &sets, Count::Nothing) {
            Ok(answer) => Ran::Answers(answer.outputs),
            Err(QemuError::TooLarge { .. } | QemuError::Refused { status: Status::ShortArena, .. }) => {
                Ran::Unfit("large")
            }
            Err(error) => panic!("{}: {error}", subject.name),
        }
    }
}

impl Host for Qemu {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, subjects: &[Subject]) -> Vec<Ran> {
        subjects.iter().map(|subject| self.answers(subject)).collect()
    }
}
