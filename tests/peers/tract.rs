//! Times native tract on one thread, through the compiler's second opinion. usage: tract-peer MODEL.onnx INPUT.f32 RUNS
//!
//! The input holds the raw little-endian f32 of `input` [1, 3, 224, 224]. Prints one JSON object.

use std::error::Error;
use std::time::Instant;

use mote_abi::DType;
use mote_compiler::{HostTensor, SecondOpinion};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, input, runs] = arguments.as_slice() else { return Err("MODEL.onnx INPUT.f32 RUNS".into()) };
    let bytes = std::fs::read(input)?;
    let inputs = [HostTensor { name: "input".into(), dtype: DType::F32, dims: vec![1, 3, 224, 224], bytes }];
    let tract = SecondOpinion::prepare(&std::fs::read(model)?, &inputs)?;
    tract.run(&inputs)?;
    let mut times = Vec::new();
    for _ in 0..runs.parse::<usize>()? {
        let start = Instant::now();
        tract.run(&inputs)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let (min, median, max) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!(r#"{{"name":"tract native","version":"0.23.9","median_ms":{median},"min_ms":{min},"max_ms":{max}}}"#);
    Ok(())
}
