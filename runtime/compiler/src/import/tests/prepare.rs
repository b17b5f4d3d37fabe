//! Inputs that are made of pictures and sounds.

use tract_onnx::pb::NodeProto;

use super::onnx_build::{FLOAT, graph, model, node, untyped, value};
use super::{answer, f32_tensor, floats};
use crate::compile::{CompileError, CompileOptions, compile};
use crate::error::ImportError;
use crate::import::{
    Compression, ImportOptions, Layout, Order, Picture, PictureSize, Preparation, Resize, Sampling, Sound, Taper,
};
use crate::tensor::HostTensor;

/// A model that answers its input `x`, one added, so that the prepared values can be seen.
fn bytes(dims: &[&str]) -> Vec<u8> {
    let nodes: Vec<NodeProto> = vec![node("Relu", &["x"], &["r"], vec![]), node("Sub", &["x", "r"], &["y"], vec![])];
    model(11, graph(nodes, vec![value("x", FLOAT, dims)], vec![untyped("r"), untyped("y")], vec![]))
}

fn run(dims: &[&str], preparation: Preparation, given: HostTensor) -> Result<(Vec<usize>, Vec<f32>), CompileError> {
    let input_shapes = [(given.name.clone(), given.dims.clone())].into();
    let import = ImportOptions { input_shapes, ..ImportOptions::default() };
    let options =
        CompileOptions { name: "t".to_owned(), import, preparations: vec![preparation], ..CompileOptions::default() };
    let outputs = answer(&compile(&bytes(dims), &options)?, &[given]).unwrap();
    let parts = floats(&outputs[0]).into_iter().zip(floats(&outputs[1]));
    Ok((outputs[0].dims.clone(), parts.map(|(positive, negative)| positive + negative).collect()))
}

fn picture() -> Picture {
    Picture {
        input: "x".to_owned(),
        name: "picture".to_owned(),
        size: [2, 2],
        channels: 3,
        bytes: true,
        layout: Layout::Pixels,
        model_layout: Layout::Planes,
        reverse: false,
        resize: None,
        crop: None,
        scale: 1.0,
        mean: vec![],
        std: vec![],
    }
}

fn pixels(dims: &[usize], bytes: &[u8]) -> HostTensor {
    HostTensor { name: "picture".to_owned(), dtype: mote_abi::DType::U8, dims: dims.to_vec(), bytes: bytes.to_vec() }
}

#[test]
fn pictures_are_turned_and_normalised() {
    let given = || pixels(&[1, 2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
    let planes = [1.0, 4.0, 7.0, 10.0, 2.0, 5.0, 8.0, 11.0, 3.0, 6.0, 9.0, 255.0];
    let same = run(&["N", "3", "2", "2"], Preparation::Picture(picture()), given()).unwrap();
    assert_eq!(same, (vec![1, 3, 2, 2], planes.to_vec()));
    let turned = Picture { reverse: true, ..picture() };
    let turned = run(&["1", "3", "2", "2"], Preparation::Picture(turned), given()).unwrap().1;
    assert_eq!(turned, [&planes[8..], &planes[4..8], &planes[..4]].concat());
    let normal = Picture { scale: 0.5, mean: vec![1.0, 2.0, 3.0], std: vec![1.0, 2.0, 4.0], ..picture() };
    let normal = run(&["1", "3", "2", "2"], Preparation::Picture(normal), given()).unwrap().1;
    assert_eq!(normal[..5], [-0.5, 1.0, 2.5, 4.0, -0.5]);
    assert_eq!(normal[11], (127.5 - 3.0) / 4.0);
}

#[test]
fn pictures_are_resized_and_cropped() {
    let given = pixels(&[1, 2, 4, 1], &[0, 10, 20, 30, 40, 50, 60, 70]);
    let resized = Picture {
        size: [2, 4],
        channels: 1,
        resize: Some(Resize { to: PictureSize::Shorter(1), sampling: Sampling::Linear, antialias: true }),
        crop: Some([1, 1]),
        ..picture()
    };
    // One row and two columns, of which the first is kept.
    let (dims, y) = run(&["1", "1", "1", "1"], Preparation::Picture(resized.clone()), given.clone()).unwrap();
    assert_eq!(dims, [1, 1, 1, 1]);
    assert!((y[0] - 27.142_857).abs() < 1e-4, "{y:?}");
    let nearest = Picture {
        resize: Some(Resize { to: PictureSize::Size([4, 4]), sampling: Sampling::Nearest, antialias: false }),
        crop: None,
        model_layout: Layout::Pixels,
        ..resized
    };
    let (_, y) = run(&["1", "4", "4", "1"], Preparation::Picture(nearest), given).unwrap();
    assert_eq!(y[4..8], [0.0, 10.0, 20.0, 30.0]);
}

fn sound() -> Sound {
    Sound {
        input: "x".to_owned(),
        name: "sound".to_owned(),
        samples: 64,
        sample_rate: 16,
        frame: 16,
        hop: 8,
        taper: Taper::None,
        centred: false,
        mels: 0,
        band: [0.0, 8.0],
        magnitude: true,
        compression: Compression::None,
        floor: 1e-6,
        order: Order::Frames,
    }
}

#[test]
fn sounds_become_spectrograms() {
    // Four turns per frame: bin 4 holds half of the frame's samples.
    let wave: Vec<f32> = (0..64).map(|i| [0.0, 1.0, 0.0, -1.0][i % 4]).collect();
    let given = || f32_tensor("sound", &[1, 64], &wave);
    let (dims, y) = run(&["1", "7", "9"], Preparation::Sound(sound()), given()).unwrap();
    assert_eq!(dims, [1, 7, 9]);
    for (i, value) in y.iter().enumerate() {
        let want = if i % 9 == 4 { 8.0 } else { 0.0 };
        assert!((value - want).abs() < 1e-4, "{i}: {value}");
    }
    let mel = Sound {
        mels: 4,
        centred: true,
        magnitude: false,
        taper: Taper::Hann,
        compression: Compression::Decibel,
        order: Order::Mels,
        ..sound()
    };
    let (dims, y) = run(&["1", "1", "4", "9"], Preparation::Sound(mel), given()).unwrap();
    assert_eq!(dims, [1, 1, 4, 9]);
    assert!(y.iter().all(|v| (-60.1..30.0).contains(v)), "{y:?}");
}

#[test]
fn what_does_not_make_the_input_is_refused() {
    let refused = |dims: &[&str], preparation: Preparation| {
        let given = pixels(&[1, 2, 2, 3], &[0; 12]);
        matches!(
            run(dims, preparation, given),
            Err(CompileError::Import(ImportError::Preparation { .. } | ImportError::UnknownInput { .. }))
        )
    };
    let with = |change: fn(&mut Picture)| {
        let mut picture = picture();
        change(&mut picture);
        Preparation::Picture(picture)
    };
    assert!(refused(&["1", "3", "2", "3"], with(|_| {})), "another shape");
    assert!(refused(&["3", "2"], with(|_| {})), "another rank");
    assert!(refused(&["1", "3", "2", "2"], with(|p| p.input = "z".to_owned())));
    assert!(refused(&["1", "3", "2", "2"], with(|p| p.std = vec![1.0, 0.0, 1.0])));
    assert!(refused(&["1", "3", "2", "2"], with(|p| p.mean = vec![1.0])));
    assert!(refused(&["1", "3", "4", "4"], with(|p| p.crop = Some([4, 4]))));
    let flat = Sound { compression: Compression::Natural, floor: 0.0, ..sound() };
    assert!(refused(&["1", "7", "9"], Preparation::Sound(flat)));
}
