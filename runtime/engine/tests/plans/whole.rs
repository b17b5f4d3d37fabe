use mote_abi::{DType, Status, op};
use mote_engine::{Arena, Fault, KERNEL_NAMES, input_mut, kernel_name, output, run, run_with, step};
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind, Meta, Plan, step as params};

/// `y = 2 x` and `z = -y`, entry 1 for two rows.
fn doubling() -> AlignedBytes {
    let mut writer = Writer::new(64);
    for rows in [1, 2] {
        let x = writer.arena(DType::F32, &[rows, 3], Halo::NONE, 0).unwrap();
        let y = writer.arena(DType::F32, &[rows, 3], Halo::NONE, 64).unwrap();
        for (id, name) in [(x, "x"), (y, "y")] {
            writer.name(id, name).unwrap();
        }
        let two = writer.constant(DType::F32, &[], &2.0_f32.to_le_bytes()).unwrap();
        writer.step(Kind::Binary, &[Some(x), Some(two)], &[y], &params::Binary { op: op::Binary::Mul });
        writer.step(Kind::Unary, &[Some(y)], &[y], &params::Unary { op: op::Unary::Neg, alpha: 0.0, beta: 0.0 });
        let (inputs, outputs) = (vec![x], vec![y]);
        writer.entry(EntrySpec { batch: rows, inputs, outputs, arena_bytes: 64 + 12 * rows, ..EntrySpec::default() });
    }
    AlignedBytes::copy_of(&writer.finish(&Meta::default()).unwrap())
}

#[test]
fn an_entry_reads_its_inputs_and_answers_in_its_outputs() {
    let bytes = doubling();
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let x: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    input_mut(&plan, 1, 0, &mut arena).unwrap().copy_from_slice(&x);
    let mut seen = Vec::new();
    run_with(&plan, 1, &mut arena, |index| seen.push(index)).unwrap();
    assert_eq!(seen, [2, 3]);
    let y: Vec<f32> =
        output(&plan, 1, 0, &arena).unwrap().chunks(4).map(|raw| f32::from_le_bytes(raw.try_into().unwrap())).collect();
    assert_eq!(y, [-2.0, -4.0, -6.0, -8.0, -10.0, -12.0]);
    assert!(output(&plan, 1, 1, &arena).is_none() && output(&plan, 2, 0, &arena).is_none());
    assert!(input_mut(&plan, 0, 1, &mut arena).is_none());
}

#[test]
fn a_wrong_entry_or_arena_is_named() {
    let bytes = doubling();
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(128);
    assert_eq!(Arena::new(&mut memory[1..]).map(|_| ()), Err(Fault::MisalignedArena));
    let mut arena = Arena::new(&mut memory).unwrap();
    assert_eq!(run(&plan, 2, &mut arena), Err(Fault::BadEntry));
    assert_eq!(Fault::BadEntry.status(), Status::BadEntry);
    let mut short = AlignedBytes::zeroed(64 + 23);
    assert_eq!(run(&plan, 1, &mut Arena::new(&mut short).unwrap()), Err(Fault::ShortArena { needed: 88 }));
    // A single step checks its own tensors, whatever the entry says.
    assert_eq!(step(&plan, &plan.step(2).unwrap(), &mut Arena::new(&mut short).unwrap()), Err(Fault::MalformedPlan));
}

#[test]
fn kernels_are_named_after_kind_and_type() {
    let bytes = doubling();
    let plan = Plan::view(&bytes).unwrap();
    assert_eq!(kernel_name(&plan, &plan.step(0).unwrap()), Some("binary_f32"));
    assert_eq!(kernel_name(&plan, &plan.step(1).unwrap()), Some("unary_f32"));
    for kind in Kind::ALL {
        assert!(KERNEL_NAMES.contains(&kind.name()), "{kind:?}");
    }
}

#[test]
fn the_list_of_kernels_names_functions() {
    macro_rules! names {
        ($($name:ident $export:ident,)*) => {
            [$((stringify!($name), stringify!($export), mote_engine::$name as *const () as usize)),*]
        };
    }
    let listed = mote_engine::for_each_kernel!(names);
    assert_eq!(listed.len(), KERNEL_NAMES.len());
    for ((name, export, _), known) in listed.iter().zip(KERNEL_NAMES) {
        assert_eq!(name, known);
        assert_eq!(*export, format!("{}{name}", mote_abi::KERNEL_PREFIX));
    }
}
