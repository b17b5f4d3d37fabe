//! The same device as firmware on an emulated board: its own network stack, its own flash, a real broker.

use std::time::{Duration, Instant};

use mote_firmware_sim::{BOARD_BYTES, Recording, board_store, linear, time};
use mote_qemu::{BOARDS, Count, Device, Emulator, QemuError, Status};
use mote_seal::Purpose;

use crate::cast::{controller, sound};
use crate::socket::{Rollout, Seen, installed, start};

/// The stack of the boards; a quarter of it has to stay free.
const STACK_BYTES: usize = 40 << 10;

#[test]
fn what_does_not_fit_is_refused_by_its_reason() {
    let emulator = match Emulator::find() {
        Ok(emulator) => emulator,
        Err(reason) => return eprintln!("skipped: what_does_not_fit_is_refused_by_its_reason: {reason}"),
    };
    let (plan, [board, ..]) = (linear(8, 3, |at| at as f32), &BOARDS);
    let infer = |lengths: &[usize]| {
        let sets: Vec<Vec<u8>> = lengths.iter().map(|&length| vec![0; length]).collect();
        emulator.infer(board, &plan, &sets, Count::Nothing)
    };
    assert_eq!(infer(&[32, 32]).unwrap().outputs, [[0; 12]; 2]);
    for lengths in [&[28][..], &[36], &[0], &[36, 36]] {
        let refused = infer(lengths);
        assert!(matches!(refused, Err(QemuError::Refused { status: Status::Inputs, .. })), "{lengths:?}: {refused:?}");
    }
    assert!(matches!(infer(&[32, 28]), Err(QemuError::UnequalSets)));

    let [.., least_memory] = &BOARDS;
    let large = linear(1 << 18, 1, |at| at as f32);
    let refused = emulator.infer(least_memory, &large, &[vec![0; 4 << 18]], Count::Nothing);
    assert!(matches!(refused, Err(QemuError::Refused { status: Status::ShortArena, .. })), "{refused:?}");
}

#[test]
fn an_update_on_an_emulated_board_is_committed() {
    let emulator = match Emulator::find() {
        Ok(emulator) => emulator,
        Err(reason) => return eprintln!("skipped: an_update_on_an_emulated_board_is_committed: {reason}"),
    };
    let Some(program) = installed() else {
        return eprintln!("skipped: an_update_on_an_emulated_board_is_committed: mosquitto is not installed");
    };
    for board in &BOARDS {
        let dir = tempfile::tempdir().unwrap();
        let (_broker, address) = start(&program, dir.path());
        let mut controller = controller();
        let releases = [sound(&controller, 1), sound(&controller, 2)];
        let want = controller.assign(&releases[1], 2, Purpose::Update);
        let flash = dir.path().join("flash.bin");
        let recording = Recording::swinging(640);
        let identity = controller.identity().unwrap();
        let bytes = board_store(&identity, Some(releases[0].factory()), Some(&recording)).unwrap();
        assert_eq!(bytes.len(), BOARD_BYTES);
        board.write_store(&flash, &bytes).unwrap();

        let console = dir.path().join("console.txt");
        let words = ["every=2", "answers=activity/answers"].map(String::from).to_vec();
        let device = Device { flash, console: console.clone(), broker_port: address.port(), words };
        let mut running = emulator.boot(board, &device).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let seen = Seen::default();
        time::run_in_real_time();
        let rollout = Rollout { controller: &controller, made: &releases[1], want: &want, seen: &seen };
        let ended = |running: &mut mote_qemu::Running| -> Result<bool, QemuError> { Ok(running.ended()?.is_some()) };
        rollout.run(address, || seen.all() || Instant::now() > deadline || ended(&mut running).unwrap());
        let said = std::fs::read_to_string(&console).unwrap();
        assert!(seen.all(), "{}: {seen:?}: {said}", board.name);
        running.kill();

        let depths = said.lines().filter_map(|line| line.strip_prefix("stack ")?.parse().ok());
        let deepest: usize = depths.max().unwrap_or_else(|| panic!("{}: no depth of the stack: {said}", board.name));
        println!("stack of device on {}: {deepest}", board.name);
        assert!(deepest <= STACK_BYTES * 3 / 4, "{}: {deepest} bytes of stack", board.name);
    }
}
