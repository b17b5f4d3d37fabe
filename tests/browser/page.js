// What the pages of these tests do with the browser package. Loaded by the page itself, under a strict policy.
import { Keys, Model, arrayOf } from '/package/index.js';
import { FleetDevice } from '/package/device.js';

export { Model };

export const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** The keys beside the models. */
export const keys = async () => Keys.from(await bytes('/models/trusted.keys'));

/** Opens a sealed model, and answers where its bytes came from beside it. */
export async function open(name, options = {}) {
  const sources = new Set();
  const model = await Model.open(`/models/${name}.mote`, await keys(), { ...options, onProgress: ({ source }) => sources.add(source) });
  return { model, sources: [...sources] };
}

/** Asks a model: the bytes of its inputs one after another in, those of its outputs out, in hex. */
export function ask(model, given) {
  return spelled(model, model.predict(named(model, given)));
}

function named(model, given) {
  let from = 0;
  const arrays = model.card.entries[0].inputs.map(({ name, dtype, bytes }) => {
    const own = given.slice(from, (from += bytes));
    return [name, arrayOf(dtype, own.buffer)];
  });
  return Object.fromEntries(arrays);
}

function spelled(model, answer) {
  const parts = model.card.entries[0].outputs.map(({ name }) => answer[name].data);
  return parts.map((data) => hex(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))).join('');
}

/** Asks for every file of inputs. */
export async function askAll(model, files) {
  const answers = [];
  for (const file of files) answers.push(ask(model, await bytes(`/models/${file}`)));
  return answers;
}

/** The same on the audio thread, to which the compiled model is posted. */
export async function askAudioThread(model, files) {
  const sets = [];
  for (const file of files) sets.push(named(model, await bytes(`/models/${file}`)));
  const context = new OfflineAudioContext(1, 128, 8000);
  await context.audioWorklet.addModule('/test/processor.js');
  const node = new AudioWorkletNode(context, 'asked', { processorOptions: { ...model.transferable, sets } });
  const answered = new Promise((resolve, reject) => {
    node.port.onmessage = ({ data }) => resolve(data);
    node.onprocessorerror = reject;
  });
  node.connect(context.destination);
  await context.startRendering();
  return (await answered).map((answer) => spelled(model, answer));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A device that is asked all the time, as a page with a live sensor is. */
export class Busy {
  static async start({ url, fleet, device, model, input }, report) {
    const own = new Busy();
    own.input = await bytes(`/models/${input}`);
    const options = { first: '/models/first.mote', trial: { answers: 20 }, retryMs: 200, chunkBytes: 4096, reportMs: 1000 };
    own.device = await FleetDevice.start({ url, fleet, device, model, keys: await keys(), options });
    own.device.on('swap', ({ model, previous }) => report({ event: 'swap', version: Number(model?.release.version ?? 0), previous: Number(previous ?? 0) }));
    own.device.on('error', ({ code, message }) => report({ event: 'error', code, message }));
    own.timer = setInterval(() => own.device.model && ask(own.device.model, own.input), 10);
    return own;
  }

  /** Feeds these inputs from here on. */
  async feed(input) {
    this.input = await bytes(`/models/${input}`);
  }

  async stop() {
    clearInterval(this.timer);
    await this.device.stop();
  }
}
