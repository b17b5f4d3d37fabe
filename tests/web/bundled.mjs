// usage: bundled.mjs SCRIPT: loads what a bundler wrote and opens model.mote with it.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

await import(pathToFileURL(process.argv[2]).href);
console.log(await globalThis.openModel(new Uint8Array(readFileSync("model.mote")), readFileSync("keys.pub", "utf8")));
