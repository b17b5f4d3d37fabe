// Runs a Mote module in V8 with nothing but the module and its Card.
// usage: node run.mjs MODEL.wasm [INPUT.bin OUTPUT.bin]...
// INPUT holds the bytes of the inputs one after another, OUTPUT receives those of the outputs.
import { readFileSync, writeFileSync } from 'node:fs';
const [path, ...files] = process.argv.slice(2);

const module = await WebAssembly.compile(readFileSync(path));
const card = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, 'mote.card')[0]));
const { memory, mote_infer } = (await WebAssembly.instantiate(module)).exports;
const { inputs, outputs } = card.entries[0];

for (let i = 0; i < files.length; i += 2) {
  let given = readFileSync(files[i]);
  for (const { offset, bytes } of inputs) {
    new Uint8Array(memory.buffer, offset, bytes).set(given.subarray(0, bytes));
    given = given.subarray(bytes);
  }
  const status = mote_infer(0);
  if (status !== 0) throw new Error(`mote_infer answered ${status}`);
  writeFileSync(files[i + 1], Buffer.concat(outputs.map(({ offset, bytes }) => Buffer.from(memory.buffer, offset, bytes))));
}
