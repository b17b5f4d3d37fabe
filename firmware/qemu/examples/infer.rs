//! Runs a Plan on an emulated board: `infer BOARD PLAN INPUT...`, each INPUT a file with the bytes of one set of inputs.
//! The outputs are shown as f32. `MOTE_FIRMWARE` names the folder that `cargo xtask firmware` prints.

use std::fs;
use std::process::ExitCode;

use mote_qemu::{BOARDS, Board, Count, Emulator};

fn main() -> ExitCode {
    match infer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn infer() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let names = BOARDS.each_ref().map(|board| board.name).join(", ");
    let usage = || format!("usage: infer BOARD PLAN INPUT...   boards: {names}");
    let board = arguments.next().as_deref().and_then(Board::named).ok_or_else(usage)?;
    let plan = read(arguments.next().ok_or_else(usage)?)?;
    let sets = arguments.map(read).collect::<Result<Vec<_>, _>>()?;
    let emulator = Emulator::find().map_err(|error| error.to_string())?;
    let answer = emulator.infer(board, &plan, &sets, Count::Clock).map_err(|error| error.to_string())?;
    for output in &answer.outputs {
        let values: Vec<f32> = output.as_chunks().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect();
        println!("{values:?}");
    }
    println!("arena {} bytes, stack {} bytes", answer.arena_bytes, answer.stack_bytes);
    if let Some(instructions) = answer.instructions {
        println!("{instructions} instructions on a {}", board.core);
    }
    Ok(())
}

fn read(path: String) -> Result<Vec<u8>, String> {
    fs::read(&path).map_err(|error| format!("{path}: {error}"))
}
