//! A trained model in a program, without the fleet: `cargo run -p mote-firmware-example`.
//!
//! Nothing here needs an operating system but the last line; on a microcontroller the model stays in flash.

mod cancer {
    include!(concat!(env!("OUT_DIR"), "/cancer-mlp.rs"));
}

const LABELS: [&str; 2] = ["malignant", "benign"];

/// Measurements of one tumour, held out from training.
const MEASUREMENTS: [f32; 30] = [
    19.69, 21.25, 130.0, 1203.0, 0.1096, 0.1599, 0.1974, 0.1279, 0.2069, 0.05999, 0.7456, 0.7869, 4.585, 94.03,
    0.00615, 0.04006, 0.03832, 0.02058, 0.0225, 0.004571, 23.57, 25.53, 152.5, 1709.0, 0.1444, 0.4245, 0.4504, 0.243,
    0.3613, 0.08758,
];

fn main() -> Result<(), mote_engine::Fault> {
    let mut model = cancer::Model::new();
    let probabilities = model.predict(&MEASUREMENTS)?;
    for (label, probability) in LABELS.iter().zip(probabilities) {
        println!("{label}: {probability}");
    }
    Ok(())
}

#[test]
fn the_model_answers_what_onnx_runtime_answers() {
    let mut model = cancer::Model::default();
    for _ in 0..2 {
        let [malignant, benign] = *model.predict(&MEASUREMENTS).expect("a sound model");
        assert!((malignant - 0.992_967_1).abs() < 1e-6 && (benign - 0.007_032_84).abs() < 1e-6, "{malignant} {benign}");
    }
}
