// usage: slim.mjs beside|url|bytes|module: starts the small entry from its verifier, after it was sent a page instead.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Keys, Model, init } from "mote-web/slim";

const server = createServer((request, response) => response.end("<!doctype html>"));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const refused = await init({ wasmUrl: `http://127.0.0.1:${server.address().port}/mote_web.wasm` }).catch((error) => error);
if (refused?.code !== "source.html" || !refused.hint) throw new Error(`a page in place of the verifier: ${refused}`);
server.closeAllConnections();
server.close();

const wasmUrl = new URL(import.meta.resolve("mote-web/mote_web.wasm"));
const wasmBytes = readFileSync(wasmUrl);
const sources = { beside: undefined, url: { wasmUrl }, bytes: { wasmBytes }, module: { module: new WebAssembly.Module(wasmBytes) } };
await init(sources[process.argv[2]]);
const model = await Model.open(new Uint8Array(readFileSync("good.mote")), Keys.from(readFileSync("keys.pub", "utf8")));
model.predict(new Float32Array(64));
console.log("as expected");
