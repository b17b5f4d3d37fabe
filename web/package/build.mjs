// Builds the package: node build.mjs FOLDER
// Run by `cargo xtask web` where this folder's copy has its dependencies, and the bindings in src/generated.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** What a page loads beside its model: the whole entry with the verifier inside, gzipped. */
const LIMIT = 120_000;

const [out] = process.argv.slice(2);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const settings = { bundle: true, target: "es2022", minify: true, legalComments: "none", logLevel: "warning" };

// The worker's script is a file of its own and, for pages without a place for it, a text inside the others.
await build({ ...settings, entryPoints: ["src/worker.ts"], outfile: join(out, "worker.js"), format: "iife" });
copyFileSync(join(out, "worker.js"), "src/generated/worker.txt");

// Packed before it is spelled in base64, because a server cannot pack it well behind that.
const module = readFileSync("src/generated/mote_web_bg.wasm");
writeFileSync(join(out, "mote_web.wasm"), module);
writeFileSync("src/generated/mote_web.wasm.gz", gzipSync(module, { level: 9 }));

const entries = ["index", "slim", "worklet", "device"].filter((name) => existsSync(`src/${name}.ts`));
await build({
  ...settings,
  // Workers' own part of the entries is a chunk, so that a page without one can leave it out.
  entryPoints: [...entries, "worker_model"].map((name) => `src/${name}.ts`),
  outdir: out,
  format: "esm",
  splitting: true,
  chunkNames: "shared-[hash]",
  loader: { ".gz": "binary", ".txt": "text" },
  external: Object.keys(JSON.parse(readFileSync("package.json", "utf8")).peerDependencies ?? {}),
});

// It describes the module's exports; what the bundler makes of the file is its bytes.
rmSync("src/generated/mote_web_bg.wasm.d.ts", { force: true });
const tsc = (...args) => {
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};
tsc("--outDir", join(out, "types"));
mkdirSync(join(out, "types/generated"), { recursive: true });
copyFileSync("src/generated/mote_web.d.ts", join(out, "types/generated/mote_web.d.ts"));

copyFileSync("README.md", join(out, "README.md"));
// MQTT.js and what it uses stand in a chunk that only devices load; their licence asks to be kept beside them.
copyFileSync("node_modules/mqtt/LICENSE.md", join(out, "LICENSE-mqtt.md"));
const { devDependencies: _, ...manifest } = JSON.parse(readFileSync("package.json", "utf8"));
writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);

// Examples see the package as its users do.
const installed = "node_modules/mote-web";
rmSync(installed, { recursive: true, force: true });
cpSync(out, installed, { recursive: true });
tsc("--project", "examples");

const text = (name) => readFileSync(join(out, name), "utf8");
const load = (name, seen = new Set()) => {
  if (!seen.has(name)) {
    seen.add(name);
    for (const [, next] of text(name).matchAll(/(?:from|import)\s*"\.\/(shared-[^"]+)"/g)) load(next, seen);
  }
  return seen;
};
const gzipped = (names) => gzipSync(Buffer.concat(names.map((name) => readFileSync(join(out, name)))), { level: 9 }).length;
const rows = entries.map((name) => [`${name}.js with what it imports`, gzipped([...load(`${name}.js`)])]);
rows.push(["worker.js", gzipped(["worker.js"])], ["mote_web.wasm", gzipped(["mote_web.wasm"])]);
for (const [what, bytes] of rows) console.log(`${what.padEnd(36)} ${String(bytes).padStart(7)} bytes gzipped`);
const [, whole] = rows[0];
if (whole > LIMIT) {
  console.error(`The package may have ${LIMIT} bytes; mote-web has ${whole}.`);
  process.exit(1);
}
