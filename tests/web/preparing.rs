//! What comes before a model: windows and decisions as `stream` makes them, pictures and sound as numpy makes them.

use mote_stream::{Debounce, Order, Rule, Shape, Windows};
use serde_json::{Value, json};

use crate::scene::{Runtime, Scene};

/// Numbers with an exact short form, the same here and in the script: `(i * 37 mod 101) / 8`.
fn sample(index: usize) -> f32 {
    (index * 37 % 101) as f32 / 8.0
}

#[test]
fn windows_and_decisions_are_those_of_stream() {
    let Some(scene) = Scene::new("windows_and_decisions_are_those_of_stream") else { return };
    let printed = scene.run(Runtime::Node, "windows.mjs", &[]).unwrap();
    let got: Value = serde_json::from_str(&printed).unwrap();

    // Two channels, samples 0 to 39 without 17 to 19 and with 9 repeated.
    let numbers: Vec<u64> = (0..10).chain(9..17).chain(20..40).collect();
    for (name, order) in [("time", Order::TimeMajor), ("channel", Order::ChannelMajor)] {
        let shape = Shape::new(2, 5, 3).unwrap();
        let mut windows = Windows::new(shape, vec![0.0; shape.ring_len()]).unwrap();
        let mut wanted = Vec::new();
        for &number in &numbers {
            let values = [sample(2 * number as usize), sample(2 * number as usize + 1)];
            if let Some(window) = windows.push(Some(number), &values).unwrap() {
                let mut data = vec![0.0; shape.ring_len()];
                window.copy_to(order, &mut data).unwrap();
                wanted.push(data);
            }
        }
        let stats = windows.stats();
        let windows: Vec<Vec<f32>> = serde_json::from_value(got[name]["windows"].clone()).unwrap();
        assert_eq!(windows, wanted, "{name}");
        assert_eq!(got[name]["stats"], json!([stats.gaps, stats.lost, stats.late].map(|n| n.to_string())), "{name}");
        assert!(wanted.len() > 5 && stats.gaps == 1 && stats.lost == 3 && stats.late == 1);
    }

    let mut debounce = Debounce::new(Rule::new(2, 3).unwrap().with_hysteresis(0.75, 0.25));
    let votes = [(0, 0.9), (0, 0.8), (1, 0.9), (1, 0.5), (0, 0.3), (1, 0.9), (1, 0.8), (0, 0.1), (2, 0.2), (2, 0.1)];
    let wanted: Vec<Value> = votes
        .iter()
        .filter_map(|&(label, score)| debounce.label(label, score))
        .map(|change| json!([change.from, change.to]))
        .collect();
    assert_eq!(got["changes"], json!(wanted));
    assert!(wanted.len() > 2);
    assert_eq!(got["top"], json!({ "label": 1, "score": 4, "margin": 1.5 }));
    assert_eq!(got["refused"], json!(["stream.shape", "stream.length", "stream.rule"]));
}

#[test]
fn pictures_and_sound_have_the_bits_of_numpy() {
    let Some(scene) = Scene::new("pictures_and_sound_have_the_bits_of_numpy") else { return };
    let printed = scene.run(Runtime::Node, "pictures.mjs", &[]).unwrap();
    let got: Value = serde_json::from_str(&printed).unwrap();
    let bits = |value: &Value| -> Vec<u32> {
        value.as_array().unwrap().iter().map(|bits| bits.as_u64().unwrap() as u32).collect()
    };

    let (width, height) = (5, 3);
    let pixel = |at: usize, channel: usize| ((4 * at + channel) * 53 % 256) as u32;
    let (mean, std) = ([0.485_f32, 0.456, 0.406], [0.229_f32, 0.224, 0.225]);
    let value = |at: usize, channel: usize| (pixel(at, channel) as f32 / 255.0 - mean[channel]) / std[channel];
    let area = width * height;
    let nhwc: Vec<u32> = (0..area)
        .flat_map(|at| (0..3).map(move |channel| (at, channel)))
        .map(|(at, channel)| value(at, channel).to_bits())
        .collect();
    let nchw: Vec<u32> = (0..3)
        .flat_map(|channel| (0..area).map(move |at| (at, channel)))
        .map(|(at, channel)| value(at, channel).to_bits())
        .collect();
    // Pillow's integers for "L".
    let luma = |at: usize| (pixel(at, 0) * 19595 + pixel(at, 1) * 38470 + pixel(at, 2) * 7471 + 0x8000) >> 16;
    let grey: Vec<u32> = (0..area).map(|at| (luma(at) as f32 / 16.0).to_bits()).collect();
    for (name, wanted) in [("nhwc", nhwc), ("nchw", nchw), ("grey", grey)] {
        assert_eq!(bits(&got[name]), wanted, "{name}");
    }

    assert_eq!(got["frames"], json!([[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]));
    assert_eq!(got["mono"], json!([1.5, -0.25]));
}
