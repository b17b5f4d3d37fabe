// Fills the Cache API from a server, stops it, and opens again: from the cache, verified, and never what it must not run.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Keys, Model } from "mote-web";

const failures = [];
const good = new Uint8Array(readFileSync("good.mote"));
const keys = Keys.from(readFileSync("keys.pub", "utf8"));
const server = createServer((request, response) => response.end(good));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/good.mote`;

/** Opens and answers from where the module came, or the code of the refusal. */
async function open(options = {}) {
  const sources = new Set();
  try {
    const model = await Model.open(url, keys, { onProgress: ({ source }) => sources.add(source), ...options });
    model.predict(new Float32Array(64));
    model.dispose();
    return [...sources].join();
  } catch (error) {
    return error.code ?? String(error);
  }
}

async function expect(wanted, what, options) {
  const got = await open(options);
  if (got !== wanted) failures.push(`${what}: ${got} where ${wanted} is expected`);
}

async function spoil() {
  const cache = await caches.open("mote-cache-1");
  const { digest } = (await Model.open(good, keys)).release;
  const key = `https://mote.invalid/sha256/${digest}`;
  if (!(await cache.match(key))) failures.push("the module is not kept by its digest");
  await cache.put(key, new Response(good.subarray(0, 100)));
}

await expect("network", "the first time", { cache: false });
await expect("network", "the first time with a cache");
await expect("cache", "the second time");
await spoil();
await expect("network", "after the cache went bad");
server.closeAllConnections();
server.close();
await new Promise((resolve) => server.once("close", resolve));
await expect("cache", "without a network");
await expect("source.unreachable", "without a network and a cache", { cache: false });
await expect("seal.below-floor", "an old version from the cache", { floor: 2 });
await spoil();
await expect("source.unreachable", "a bad cache without a network");

console.log(failures.length === 0 ? "as expected" : failures.join("\n"));
