//! What firmware costs: flash and RAM of every image, stack and instructions of every inference. Written as a page.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mote_plan::{AlignedBytes, Plan};
use mote_qemu::{Answer, BOARDS, Board, Count, Emulator};

use super::image::{self, PROGRAMS, Profile};
use super::{elf, plugin};
use crate::origin::{commit, machine};
use crate::run::{Failure, cargo, run, shown, start};
use crate::workspace;

const PROFILES: [Profile; 3] = [Profile::Flashed, Profile::Size, Profile::Speed];

/// The board whose memory for code is too small for `device` where everything is built for speed.
const SMALL: &str = "an547";

/// The networks of the corpus that are shaped like MLPerf Tiny's, in f32.
const NETWORKS: [&str; 4] =
    ["mlperf_kws_dscnn_f32", "mlperf_vww_mobilenetv1_f32", "mlperf_ic_resnet8_f32", "mlperf_ad_autoencoder_f32"];

/// A compiled network and inputs for it.
struct Network {
    name: String,
    plan: Vec<u8>,
    input: Vec<u8>,
    macs: u64,
}

/// Builds every profile, measures, and writes `firmware/REPORT.md`.
pub(crate) fn write() -> Result<(), Failure> {
    let mut page = String::from("# What the firmware costs\n\nWritten by `cargo xtask firmware --report`");
    // Writing to a string cannot fail.
    let _ = writeln!(page, ": commit {} on {}. QEMU counts instructions; it knows no cycles.", commit(), machine());
    sizes(&mut page)?;
    match Emulator::with_images(&image::folder(Profile::Flashed)) {
        Ok(_) => {
            devices(&mut page)?;
            inferences(&mut page)?;
        }
        Err(reason) => eprintln!("skipped: instructions and stack: {reason}"),
    }
    println!("{page}");
    let path = workspace::root().join("firmware/REPORT.md");
    fs::write(&path, page).map_err(|source| Failure::File { path, source })
}

fn sizes(page: &mut String) -> Result<(), Failure> {
    page.push_str(
        "\n## Images\n\nBytes. `text` is flash; `data` is flash and RAM; `bss` is RAM, to which stack and arena come. `infer` holds the\n\
         engine with every kernel, `device` all of a fleet's device besides: built for speed it exceeds the 512 KB that the M55's\n\
         board has for code.\n\n| program | board | core | built | text | data | bss |\n\
         |---|---|---|---|---:|---:|---:|\n",
    );
    for profile in PROFILES {
        for board in BOARDS.iter().filter(|board| fits(board, profile)) {
            image::build(board, profile)?;
        }
    }
    for program in PROGRAMS {
        for board in &BOARDS {
            for profile in PROFILES.into_iter().filter(|&profile| fits(board, profile)) {
                let path = image::folder(profile).join(board.name).join(program).with_extension("elf");
                let file = fs::read(&path).map_err(|source| Failure::File { path: path.clone(), source })?;
                let sizes = elf::sizes(&file).ok_or(Failure::Malformed { path })?;
                let Board { name, core, .. } = board;
                let elf::Sizes { text, data, bss } = sizes;
                let built = profile.describe();
                let _ = writeln!(page, "| {program} | {name} | {core} | {built} | {text} | {data} | {bss} |");
            }
        }
    }
    Ok(())
}

fn fits(board: &Board, profile: Profile) -> bool {
    !(board.name == SMALL && matches!(profile, Profile::Speed))
}

/// The stack of `device`, as the simulator's test of it prints it; nothing without a broker.
fn devices(page: &mut String) -> Result<(), Failure> {
    let mut test = cargo("test");
    test.args(["--quiet", "--workspace", "--test", "device", "an_update_on_an_emulated_board", "--", "--nocapture"]);
    test.env(mote_qemu::IMAGES_VARIABLE, image::folder(Profile::Flashed));
    eprintln!("$ {}", shown(&test));
    let output = test.output().map_err(|source| start(&test, source))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        eprintln!("{text}");
        return Err(Failure::Exit { command: shown(&test), status: output.status });
    }
    page.push_str(
        "\n## Device\n\nBytes of stack at the deepest point of a life with one update in it (boot, self-test, signature, inference,\n\
         network), by paint. With it a device needs `bss`, the window and the model's arena.\n\n| board | stack bytes |\n|---|---:|\n",
    );
    for line in text.lines() {
        if let Some((board, bytes)) = line.split_once("stack of device on ").and_then(|(_, rest)| rest.split_once(": "))
        {
            let _ = writeln!(page, "| {board} | {bytes} |");
        }
    }
    Ok(())
}

fn inferences(page: &mut String) -> Result<(), Failure> {
    let networks = networks()?;
    let plugin = plugin::build()?;
    page.push_str(
        "\n## Inference\n\nInstructions of one inference, and in brackets per multiply-accumulate. Stack is the deepest point of an\n\
         inference by paint, from the top of RAM. Weights stay in flash.\n\n",
    );
    let columns: Vec<(&Board, Profile)> = BOARDS
        .iter()
        .map(|board| (board, Profile::Flashed))
        .chain([(&BOARDS[0], Profile::Size), (&BOARDS[0], Profile::Speed)])
        .collect();
    page.push_str("| network | MACs | Plan bytes | arena bytes | stack bytes |");
    for (board, profile) in &columns {
        let _ = write!(page, " {}, {} |", board.core, profile.describe());
    }
    page.push_str("\n|---|---:|---:|---:|---:|");
    page.push_str(&"---:|".repeat(columns.len()));
    page.push('\n');
    for network in &networks {
        let mut cells = Vec::new();
        for (board, profile) in &columns {
            cells.push(measure(board, *profile, network, plugin.as_deref())?);
        }
        let [first, ..] = &cells[..] else { continue };
        let deepest = cells.iter().map(|answer| answer.stack_bytes).max().unwrap_or(0);
        let Network { name, plan, macs, .. } = network;
        let _ = write!(page, "| {name} | {macs} | {} | {} | {deepest} |", plan.len(), first.arena_bytes);
        for answer in &cells {
            let instructions = answer.instructions.unwrap_or(0);
            let _ = write!(page, " {instructions} ({:.2}) |", instructions as f64 / *macs as f64);
        }
        page.push('\n');
    }
    Ok(())
}

fn measure(board: &Board, profile: Profile, network: &Network, plugin: Option<&Path>) -> Result<Answer, Failure> {
    let emulator = Emulator::with_images(&image::folder(profile))?;
    let count = plugin.map_or(Count::Clock, Count::Plugin);
    Ok(emulator.infer(board, &network.plan, std::slice::from_ref(&network.input), count)?)
}

/// Compiles the networks: those of the corpus where it is found, else the models of this repository.
fn networks() -> Result<Vec<Network>, Failure> {
    let corpus =
        std::env::var_os("MOTE_CORPUS").map_or_else(|| workspace::root().join("../shared/corpus"), PathBuf::from);
    let of_corpus = NETWORKS.map(|name| corpus.join("nn").join(name)).to_vec();
    let found = of_corpus.iter().all(|folder| folder.join("model.onnx").is_file());
    let own = workspace::folders(&workspace::root().join("models"));
    let folders = if found { of_corpus } else { own };
    run(cargo("build").args(["--quiet", "--workspace", "--bin", "mote"]))?;
    let mote = workspace::target().join("debug").join(format!("mote{}", std::env::consts::EXE_SUFFIX));
    let plans = workspace::target().join("firmware/plans");
    fs::create_dir_all(&plans).map_err(|source| Failure::File { path: plans.clone(), source })?;
    let models = folders.into_iter().map(|folder| folder.join("model.onnx")).filter(|model| model.is_file());
    models.map(|model| network(&mote, &model, &plans)).collect()
}

fn network(mote: &Path, model: &Path, plans: &Path) -> Result<Network, Failure> {
    let name = model.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let path = plans.join(&name).with_extension("plan");
    run(Command::new(mote).args(["compile", "--target", "mcu"]).arg(model).arg("-o").arg(&path))?;
    let plan = fs::read(&path).map_err(|source| Failure::File { path: path.clone(), source })?;
    let aligned = AlignedBytes::copy_of(&plan);
    let view = Plan::view(&aligned).map_err(|_| Failure::Malformed { path: path.clone() })?;
    let entry = view.entry(0).ok_or(Failure::Malformed { path })?;
    let bytes = entry.inputs().filter_map(|id| view.tensor(id)).map(|tensor| tensor.bytes as usize).sum();
    Ok(Network { name, macs: entry.macs, input: noise(bytes), plan })
}

/// So many bytes of f32 values between -1 and 1, the same every time.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state.cast_signed() as f32 / 2_147_483_648.0).to_le_bytes()
    };
    (0..bytes.div_ceil(4)).flat_map(|_| next()).take(bytes).collect()
}
