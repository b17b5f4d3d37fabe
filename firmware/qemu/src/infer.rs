//! `infer`: a Plan and inputs in, outputs and figures out. The protocol is told in `firmware/boards/mps2/src/bin/infer.rs`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use crate::board::Board;
use crate::emulator::{Emulator, end, start};
use crate::error::{QemuError, Status};

/// The longest emulation. QEMU runs some 10^8 to 10^9 instructions a second.
const LIMIT: Duration = Duration::from_secs(600);
/// Alignment of Plan and inputs in the store.
const ALIGN: usize = 16;

/// How instructions are counted.
#[derive(Clone, Copy, Debug)]
pub enum Count<'a> {
    /// Not at all; the fastest.
    Nothing,
    /// Exactly, by the plugin of `firmware/plugin`.
    Plugin(&'a Path),
    /// By a clock that instructions drive: exact to the period of the core's clock, 31 to 50 instructions.
    Clock,
}

/// What a board answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For each set of inputs the outputs of entry 0, one after another.
    pub outputs: Vec<Vec<u8>>,
    /// Instructions of one inference, the mean over the sets; `None` if they were not counted.
    pub instructions: Option<u64>,
    /// Bytes of the Plan's arena.
    pub arena_bytes: u32,
    /// Bytes of stack in use at the deepest point of an inference, from the top of RAM.
    pub stack_bytes: u32,
}

impl Emulator {
    /// Runs entry 0 of a Plan on `sets` of inputs, each the inputs one after another in the entry's order. With no set
    /// nothing is counted, and a plugin that counts nothing is an error.
    ///
    /// # Errors
    /// A Plan that does not fit the board, a refusal of the firmware, or what goes wrong on this machine.
    pub fn infer(&self, board: &Board, plan: &[u8], sets: &[Vec<u8>], count: Count<'_>) -> Result<Answer, QemuError> {
        let bytes = sets.first().map_or(0, Vec::len);
        if sets.iter().any(|set| set.len() != bytes) {
            return Err(QemuError::UnequalSets);
        }
        let mut store = plan.to_vec();
        store.resize(plan.len().next_multiple_of(ALIGN), 0);
        store.extend(sets.iter().flatten());
        if store.len() > board.store_bytes {
            return Err(QemuError::TooLarge { board: board.name, needed: store.len(), room: board.store_bytes });
        }
        let io = |what| move |source| QemuError::Io { what, source };
        let folder = tempfile::tempdir().map_err(io("no temporary folder"))?;
        fs::write(folder.path().join("store"), &store).map_err(io("cannot write the Plan"))?;

        let words = [format!("sets={}", sets.len()), format!("bytes={bytes}")];
        let mut qemu = self.command(board, "infer", folder.path(), &words)?;
        qemu.args(["-M", board.machine, "-device"]);
        qemu.arg(format!("loader,file=store,addr={:#x},force-raw=on", board.store));
        match count {
            Count::Nothing => {}
            Count::Plugin(library) => {
                let library = library.canonicalize().map_err(io("no plugin"))?;
                qemu.arg("-plugin").arg(format!("{},out=counts", library.display()));
            }
            Count::Clock => {
                qemu.args(["-icount", "shift=0"]);
            }
        }
        let mut child = start(&mut qemu)?;
        success(&mut child, board)?;
        answer(folder.path(), board, sets.len(), count)
    }
}

/// Waits for the firmware's success.
fn success(child: &mut Child, board: &Board) -> Result<(), QemuError> {
    let board = board.name;
    let status = end(child, LIMIT)?.ok_or(QemuError::TimedOut { board, limit: LIMIT })?;
    if status.success() {
        return Ok(());
    }
    let mut console = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What cannot be read is only an explanation.
        let _ = stderr.read_to_string(&mut console);
    }
    Err(match status.code().and_then(Status::of) {
        Some(status) => QemuError::Refused { board, status, console },
        None => QemuError::Ended { board, status, console },
    })
}

/// Reads what firmware and plugin have left.
fn answer(folder: &Path, board: &Board, sets: usize, count: Count<'_>) -> Result<Answer, QemuError> {
    let read = |file: &'static str| {
        let io = |source| QemuError::Io { what: "no file of the firmware", source };
        fs::read(folder.join(file)).map_err(io)
    };
    let malformed = |file| QemuError::Malformed { board: board.name, file };
    let figures = String::from_utf8_lossy(&read("figures")?).into_owned();
    let largest = |name| values(&figures, name).max().and_then(|value| u32::try_from(value).ok());
    let instructions = match count {
        Count::Nothing => None,
        Count::Plugin(_) => {
            let counts = String::from_utf8_lossy(&read("counts")?).into_owned();
            Some(counted(&counts).ok_or(malformed("counts"))?)
        }
        Count::Clock => by_clock(&figures, board, sets),
    };
    Ok(Answer {
        outputs: parts(&read("outputs")?, sets).ok_or(malformed("outputs"))?,
        instructions,
        arena_bytes: largest("arena").ok_or(malformed("figures"))?,
        stack_bytes: if sets == 0 { 0 } else { largest("stack").ok_or(malformed("figures"))? },
    })
}

/// Equal parts, one for each set.
fn parts(bytes: &[u8], sets: usize) -> Option<Vec<Vec<u8>>> {
    if sets == 0 {
        return bytes.is_empty().then(Vec::new);
    }
    let each = bytes.len() / sets;
    if each == 0 {
        return bytes.is_empty().then(|| vec![Vec::new(); sets]);
    }
    bytes.len().is_multiple_of(sets).then(|| bytes.chunks_exact(each).map(<[u8]>::to_vec).collect())
}

/// The values of the lines `name value`.
fn values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = u64> + 'a {
    text.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Mean instructions of region 0 from the plugin's lines `region times instructions`.
fn counted(counts: &str) -> Option<u64> {
    let run = counts.lines().find_map(|line| line.strip_prefix("0 "))?;
    let (times, instructions) = run.split_once(' ')?;
    instructions.parse::<u64>().ok()?.checked_div(times.parse().ok()?)
}

/// Mean instructions from core cycles, with an instruction a nanosecond.
fn by_clock(figures: &str, board: &Board, sets: usize) -> Option<u64> {
    let nanoseconds = values(figures, "cycles").sum::<u64>().checked_mul(1_000_000_000)? / u64::from(board.core_hz);
    nanoseconds.checked_div(sets as u64)
}

#[cfg(test)]
mod tests {
    use super::{Board, by_clock, counted, parts};

    #[test]
    fn outputs_are_cut_into_equal_parts() {
        for (bytes, sets, expected) in [
            (&[1, 2, 3, 4][..], 2, Some(vec![vec![1, 2], vec![3, 4]])),
            (&[1, 2, 3], 2, None),
            (&[], 2, Some(vec![vec![], vec![]])),
            (&[], 0, Some(vec![])),
            (&[1], 0, None),
        ] {
            assert_eq!(parts(bytes, sets), expected, "{bytes:?} in {sets}");
        }
    }

    #[test]
    fn counts_are_means_of_the_first_region() {
        assert_eq!(counted("0 4 1000\n1 1 77\n"), Some(250));
        assert_eq!(counted("1 1 77\n"), None);
        assert_eq!(counted("0 0 0\n"), None);
    }

    #[test]
    fn cycles_become_instructions() {
        let board = Board::named("an386").expect("a board of the table");
        assert_eq!(by_clock("cycles 100\nstack 9\ncycles 300\narena 1\n", board, 2), Some(8000));
    }
}
