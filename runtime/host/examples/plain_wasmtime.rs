//! Runs a Mote module with plain wasmtime, as any program could. The README shows this file.

use wasmtime::{Engine, Instance, Module, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let wasm = std::fs::read(&arguments[1])?;
    let given = std::fs::read(&arguments[2])?;
    let card = mote_weld::Card::read(&wasm)?;
    let (input, output) = (&card.entries[0].inputs[0], &card.entries[0].outputs[0]);

    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, &wasm)?, &[])?;
    let memory = instance.get_memory(&mut store, "memory").ok_or("no memory")?;
    let infer = instance.get_typed_func::<i32, i32>(&mut store, "mote_infer")?;

    memory.write(&mut store, input.offset as usize, &given)?;
    assert_eq!(infer.call(&mut store, 0)?, 0);
    let mut raw = vec![0; output.bytes as usize];
    memory.read(&store, output.offset as usize, &mut raw)?;
    let scores: Vec<f32> = raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    println!("{}", serde_json::to_string(&scores)?);
    Ok(())
}
