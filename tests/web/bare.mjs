// Posts a compiled model to a thread that has as little as an AudioWorklet, and compares answers.
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { Keys, Model } from "mote-web";

const model = await Model.open(new Uint8Array(readFileSync("good.mote")), Keys.from(readFileSync("keys.pub", "utf8")));
const input = Float32Array.from({ length: 64 }, (_, at) => at % 17);
const thread = new Worker(new URL("bare_thread.mjs", import.meta.url));
thread.postMessage({ ...model.transferable, input });
const bare = await new Promise((resolve, reject) => thread.once("message", resolve).once("error", reject));
await thread.terminate();
const here = Object.values(model.predict(input))[0].data;
console.log(String(bare) === String(here) ? "as expected" : `${bare} there, ${here} here`);
