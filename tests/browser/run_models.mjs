// Runs Mote modules in Chromium with nothing but the module and its Card.
// usage: node run_models.mjs FOLDER
// FOLDER holds NAME.wasm and NAME.in or NAME.CASE.in: the bytes of the inputs of entry 0 one after another. For every .in
// the bytes of the outputs are written to a .chromium.out beside it. Needs MOTE_BROWSER_MODULES.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './chromium.mjs';
import { serve } from './server.mjs';

const [folder] = process.argv.slice(2);
const files = readdirSync(folder).sort();
const server = await serve({ modules: folder });
const browser = await launch();
try {
  const page = await browser.context.newPage();
  await page.goto(server.origin);
  for (const name of files.filter((file) => file.endsWith('.wasm')).map((file) => file.slice(0, -'.wasm'.length))) {
    const cases = files.filter((file) => file.startsWith(`${name}.`) && file.endsWith('.in')).map((file) => file.slice(0, -'.in'.length));
    const outputs = await page.evaluate(run, { module: `/modules/${name}.wasm`, inputs: cases.map((file) => `/modules/${file}.in`) });
    cases.forEach((file, at) => writeFileSync(join(folder, `${file}.chromium.out`), Buffer.from(outputs[at], 'base64')));
  }
  if (browser.faults.length > 0) throw new Error(browser.faults.join('\n'));
} finally {
  await browser.close();
  server.close();
}

/** In the page: one module over several inputs, the outputs in base64. */
async function run({ module: url, inputs: files }) {
  const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const module = await WebAssembly.compileStreaming(fetch(url));
  const card = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, 'mote.card')[0]));
  const { memory, mote_infer } = (await WebAssembly.instantiate(module)).exports;
  const { inputs, outputs } = card.entries[0];
  const answers = [];
  for (const file of files) {
    let given = await bytes(file);
    for (const { offset, bytes } of inputs) {
      new Uint8Array(memory.buffer, offset, bytes).set(given.subarray(0, bytes));
      given = given.subarray(bytes);
    }
    const status = mote_infer(0);
    if (status !== 0) throw new Error(`mote_infer answered ${status}`);
    const parts = outputs.map(({ offset, bytes }) => new Uint8Array(memory.buffer, offset, bytes));
    const blob = new Blob(parts.map((part) => part.slice()));
    const url = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(blob);
    });
    answers.push(url.slice(url.indexOf(',') + 1));
  }
  return answers;
}
