// usage: answers.mjs NAME...
// Opens NAME.mote with keys.pub and answers every NAME.NN.in (the bytes of all inputs) with NAME.NN.out (those of all
// outputs); a worker must give the same bytes, and so must views of the model's memory.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Keys, Model, WorkerModel, arrayOf } from "mote-web";

const keys = Keys.from(readFileSync("keys.pub"));

for (const name of process.argv.slice(2)) {
  const sealed = new Uint8Array(readFileSync(`${name}.mote`));
  const model = await Model.open(sealed, keys, { model: name });
  const worker = await WorkerModel.open(sealed, keys);
  const [entry] = model.card.entries;
  const sets = readdirSync(".").filter((file) => file.startsWith(`${name}.`) && file.endsWith(".in"));
  if (sets.length === 0) throw new Error(`${name} has no inputs`);
  for (const file of sets) {
    const inputs = named(entry, new Uint8Array(readFileSync(file)));
    const answer = joined(entry, model.predict(inputs));
    for (const other of [model.predict(inputs, { copy: false }), await worker.predict(inputs)]) {
      if (!joined(entry, other).equals(answer)) throw new Error(`${file}: one model, two answers`);
    }
    writeFileSync(file.replace(/in$/, "out"), answer);
  }
  model.dispose();
  worker.dispose();
}

function named(entry, bytes) {
  let at = 0;
  return Object.fromEntries(entry.inputs.map((port) => {
    const array = arrayOf(port.dtype, bytes.slice(at, at + port.bytes).buffer);
    at += port.bytes;
    return [port.name, array];
  }));
}

function joined(entry, outputs) {
  return Buffer.concat(entry.outputs.map(({ name, bytes, shape, dtype }) => {
    const { data, ...said } = outputs[name];
    if (data.byteLength !== bytes || String(said.shape) !== String(shape) || said.type !== dtype) throw new Error(`${name} is not as its card says`);
    return canonical(dtype, data.buffer.slice(data.byteOffset, data.byteOffset + bytes));
  }));
}

// Which NaN an instruction gives is left open by WebAssembly, and engines answer differently before and after they
// optimise; so every NaN counts as the one that results are compared with everywhere.
function canonical(dtype, buffer) {
  if (dtype === "f32") {
    const bits = new Uint32Array(buffer);
    new Float32Array(buffer).forEach((value, at) => { if (Number.isNaN(value)) bits[at] = 0x7fc00000; });
  }
  return Buffer.from(buffer);
}
