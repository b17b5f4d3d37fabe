// A thread without what an AudioWorklet lacks; what is imported behind this must not miss it.
import { parentPort } from "node:worker_threads";

for (const name of ["fetch", "Response", "ReadableStream", "TextDecoder", "TextEncoder", "URL", "Blob", "performance", "process", "setTimeout"]) {
  delete globalThis[name];
}
const { Guest } = await import("mote-web/worklet");

parentPort.on("message", ({ module, info, input }) => {
  const guest = Guest.fromModuleSync(module, info);
  const [{ data }] = Object.values(guest.predict(input, { copy: false }));
  parentPort.postMessage(data.slice());
});
