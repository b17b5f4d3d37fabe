// Opens everything that must be refused, from bytes and over HTTP, and prints what was not refused as it should be.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Keys, Model, MoteError, WorkerModel, hasRelaxedSimd, init } from "mote-web";

const failures = [];
const bytes = (name) => new Uint8Array(readFileSync(name));
const keys = Keys.from(bytes("keys.pub"));

async function refused(code, what, call) {
  try {
    await call();
    failures.push(`${what} was not refused`);
  } catch (error) {
    const same = error instanceof MoteError && error instanceof Error && error.code === code && error.message.length > 0;
    if (!same) failures.push(`${what}: ${error?.code} ${error} where ${code} is expected`);
  }
}

await init();
await init();

for (const [name, code] of [
  ["module.mote", "seal.digest"],
  ["manifest.mote", "seal.signature"],
  ["long.mote", "seal.length"],
  ["short.mote", "seal.length"],
  ["head.mote", "seal.malformed"],
  ["text.mote", "seal.magic"],
  ["module.wasm", "source.plain"],
  ["page.mote", "source.html"],
  ["gateway.mote", "seal.no-artifact"],
  ["fast.mote", "seal.no-artifact"],
]) {
  await refused(code, name, () => Model.open(bytes(name), keys));
}
const good = bytes("good.mote");
await refused("seal.unknown-key", "a stranger's file", () => Model.open(good, Keys.from(bytes("stranger.pub"))));
await refused("seal.role", "an assignment key's file", () => Model.open(good, Keys.from(bytes("order.pub"))));
await refused("key.secret", "a secret key", () => Keys.from(bytes("keys.secret")));
await refused("key.malformed", "a line that is no key", () => Model.open(good, Keys.from("mote-public-1 release")));
await refused("key.none", "no key", () => Model.open(good, Keys.from([])));
await refused("seal.below-floor", "an old version", () => Model.open(good, keys, { floor: 2 }));
await refused("seal.model", "another model", () => Model.open(good, keys, { model: "cancer-mlp" }));
await refused("source.url", "a word that is no URL", () => Model.open("http://[", keys));
await refused("seal.digest", "a module in a worker", () => WorkerModel.open(bytes("module.mote"), keys));

// Calls.
const model = await Model.open({ strict: good, fast: bytes("fast.mote") }, keys);
if (model.release.variant !== (hasRelaxedSimd() ? "fast" : "strict")) failures.push(`${model.release.variant} was chosen`);
const pixels = new Float32Array(64);
const [port] = model.card.entries[0].inputs;
await refused("input.length", "63 pixels", () => model.predict(new Float32Array(63)));
await refused("input.type", "bytes for f32", () => model.predict({ [port.name]: new Uint8Array(256) }));
await refused("input.type", "a list of numbers", () => model.predict({ [port.name]: [...pixels] }));
await refused("input.missing", "no input", () => model.predict({}));
await refused("input.unknown", "another input", () => model.predict({ [port.name]: pixels, mask: pixels }));
await refused("entry.unknown", "entry 9", () => model.predict(pixels, { entry: 9 }));
const { module, info } = model.transferable;
const twin = await Model.fromModule(module, structuredClone(info));
if (String(outputs(twin)) !== String(outputs(model))) failures.push("a twin answers otherwise");
model.dispose();
model.dispose();
await refused("model.disposed", "a disposed model", () => model.predict(pixels));
outputs(twin);
twin.dispose();
const worker = await WorkerModel.open(good, keys);
await refused("input.length", "63 pixels for a worker", () => worker.predict(new Float32Array(63)));
const waiting = worker.predict(pixels);
worker.dispose();
await refused("model.disposed", "a call that waits", () => waiting);
await refused("model.disposed", "a disposed worker", () => worker.predict(pixels));

// Over HTTP.
const server = createServer((request, response) => {
  const [, name] = request.url.split("/");
  if (name === "absent") return response.writeHead(404).end();
  if (name === "start-page") return response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html>");
  if (name === "broken-off") {
    response.writeHead(200, { "content-length": good.length });
    return response.write(good.subarray(0, good.length / 2), () => response.destroy());
  }
  // In pieces that fall on no boundary.
  for (let at = 0, file = bytes(name); at < file.length; at += 777) response.write(file.subarray(at, at + 777));
  response.end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port: number } = server.address();
const url = (name) => `http://127.0.0.1:${number}/${name}`;
// What a cache has verified before, no server can spoil; see offline.mjs.
const fresh = { cache: false };
const seen = [];
const fetched = await Model.open(url("good.mote"), keys, { ...fresh, onProgress: (progress) => seen.push(progress) });
outputs(fetched);
const last = seen.at(-1);
if (!(last?.source === "network" && last.loaded === good.length && last.total === good.length)) failures.push(`progress ends at ${JSON.stringify(last)}`);
if (!seen.every(({ loaded }, at) => loaded > (seen[at - 1]?.loaded ?? 0))) failures.push("progress goes back");
outputs(await Model.open(await fetch(url("good.mote")), keys));
await refused("source.status", "404", () => Model.open(url("absent"), keys, fresh));
await refused("source.html", "a start page", () => Model.open(new URL(url("start-page")), keys, fresh));
await refused("source.html", "a start page without its type", () => Model.open(url("page.mote"), keys, fresh));
await refused("seal.digest", "a tampered module", () => Model.open(url("module.mote"), keys, fresh));
await refused("seal.length", "a longer module", () => Model.open(url("long.mote"), keys, fresh));
await refused("source.interrupted", "half a file", () => Model.open(url("broken-off"), keys, fresh));
const abort = new AbortController();
const aborted = Model.open(url("good.mote"), keys, { ...fresh, signal: abort.signal }).catch((error) => error.name);
abort.abort();
if ((await aborted) !== "AbortError") failures.push(`an aborted transfer ends in ${await aborted}`);
server.closeAllConnections();
server.close();
await new Promise((resolve) => server.once("close", resolve));
await refused("source.unreachable", "a server that is gone", () => Model.open(url("good.mote"), keys, fresh));

console.log(failures.length === 0 ? "as expected" : failures.join("\n"));

function outputs(model) {
  return Object.values(model.predict(new Float32Array(64))).map(({ data }) => data);
}
