// Times onnxruntime-web (wasm, SIMD, one thread) in node's V8. usage: ort_web.mjs MODEL.onnx INPUT.f32 RUNS
// The input file holds the raw little-endian f32 of `input` [1, 3, 224, 224].
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';

const [model, input, runs] = process.argv.slice(2);

ort.env.wasm.numThreads = 1;
const started = performance.now();
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ['wasm'] });
const created = performance.now() - started;
const raw = readFileSync(input);
const data = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, [1, 3, 224, 224]) };
for (let i = 0; i < 10; i++) await session.run(feeds);
const times = [];
for (let i = 0; i < Number(runs); i++) {
  const start = performance.now();
  await session.run(feeds);
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
const version = ort.env.versions.web;
console.log(JSON.stringify({ name: 'onnxruntime-web', version: `${version}, V8 ${process.versions.v8}`, create_ms: created,
  median_ms: times[times.length >> 1], min_ms: times[0], max_ms: times[times.length - 1] }));
