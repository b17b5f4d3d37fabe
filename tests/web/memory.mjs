// usage: memory.mjs CYCLES: opens, runs and disposes of model.mote, and says what the process holds after the first tenth
// and at the end.
import { readFileSync } from "node:fs";
import { Keys, Model } from "mote-web";

const cycles = Number(process.argv[2]);
const sealed = new Uint8Array(readFileSync("model.mote"));
const keys = Keys.from(readFileSync("keys.pub", "utf8"));
let memory = 0;

async function run(count) {
  for (let cycle = 0; cycle < count; cycle++) {
    const model = await Model.open(sealed, keys);
    const [port] = model.card.entries[0].inputs;
    model.predict({ [port.name]: new Float32Array(port.bytes / 4) });
    memory = model.card.memory.pages * 65536;
    model.dispose();
  }
  // Modules are let go of in tasks of their own.
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}

const first = await run(cycles / 10);
const last = await run(cycles - cycles / 10);
console.log(JSON.stringify({ first, last, memory }));
