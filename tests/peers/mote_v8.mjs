// Runs a Mote module in node's V8 with nothing but the module and its Card.
// usage: mote_v8.mjs MODEL.wasm INPUT.bin OUTPUT.bin RUNS
// INPUT holds the raw bytes of the inputs one after another, OUTPUT receives those of the outputs.
import { readFileSync, writeFileSync } from 'node:fs';
const [path, input, output, runs] = process.argv.slice(2);

const module = await WebAssembly.compile(readFileSync(path));
const card = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, 'mote.card')[0]));
const { exports } = await WebAssembly.instantiate(module);
const entry = card.entries[0];
const given = readFileSync(input);

function infer() {
  let at = 0;
  for (const { offset, bytes } of entry.inputs) {
    new Uint8Array(exports.memory.buffer, offset, bytes).set(given.subarray(at, at + bytes));
    at += bytes;
  }
  const status = exports.mote_infer(0);
  if (status !== 0) throw new Error(`mote_infer answered ${status}`);
}

infer();
writeFileSync(output, Buffer.concat(entry.outputs.map(({ offset, bytes }) =>
  Buffer.from(exports.memory.buffer.slice(offset, offset + bytes)))));
if (Number(runs) > 0) {
  // V8 starts in its baseline tier; warm up until the optimised code is in place.
  for (let i = 0; i < 30; i++) infer();
  const times = [];
  for (let i = 0; i < Number(runs); i++) {
    const start = performance.now();
    infer();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ name: `mote ${card.flavour}`, version: `V8 ${process.versions.v8}`,
    median_ms: times[times.length >> 1], min_ms: times[0], max_ms: times[times.length - 1] }));
}
