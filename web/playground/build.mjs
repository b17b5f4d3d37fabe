// Builds the page: node build.mjs FOLDER
// Run by `cargo xtask web` where this folder's copy has its dependencies, mote-web among them.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

/** What the page loads beside models and their verifier, gzipped, with the plot that streams ask for. */
const LIMIT = 60_000;

const [out] = process.argv.slice(2);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const types = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "--project", "."], { stdio: "inherit" });
if (types.status !== 0) process.exit(1);

const logic = ["feeding", "latency", "recording", "tensor"].map((name) => `export * from "./src/${name}";`).join("\n");
await build({ stdin: { contents: logic, resolveDir: "." }, bundle: true, format: "esm", outfile: "checked/logic.mjs", logLevel: "warning" });
const checks = spawnSync(process.execPath, ["--test", "checks.mjs"], { encoding: "utf8" });
if (checks.status !== 0) {
  console.error(checks.stdout, checks.stderr);
  process.exit(1);
}

const { metafile } = await build({
  entryPoints: ["src/main.ts"],
  outdir: out,
  bundle: true,
  format: "esm",
  splitting: true,
  chunkNames: "part-[hash]",
  target: "es2022",
  minify: true,
  legalComments: "none",
  loader: { ".css": "text" },
  logLevel: "warning",
  metafile: true,
});
const page = ["index.html", "page.css", "icon.svg"];
for (const name of page) copyFileSync(name, join(out, name));
copyFileSync("node_modules/mote-web/mote_web.wasm", join(out, "mote_web.wasm"));

const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [relative(out, path), output]));
const load = (name, kinds, seen = new Set()) => {
  if (!seen.has(name)) {
    seen.add(name);
    const imports = outputs.get(name)?.imports.filter(({ kind }) => kinds.includes(kind)) ?? [];
    for (const { path } of imports) load(relative(out, path), kinds, seen);
  }
  return seen;
};
const gzipped = (names) => names.reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name)), { level: 9 }).length, 0);
const first = load("main.js", ["import-statement"]);
// What is loaded on demand: from its entry on, without what is there already.
const later = (entryPoint) => {
  const [name] = [...outputs].find(([, output]) => output.entryPoint === entryPoint);
  return gzipped([...load(name, ["import-statement", "dynamic-import"])].filter((part) => !first.has(part)));
};
const whole = gzipped([...first, ...page]);
const plot = later("src/plot.ts");
const rows = [
  ["playground", whole],
  ["its plot, for streams", plot],
  ["its device, when it connects", later("node_modules/mote-web/device.js")],
  ["mote_web.wasm", gzipped(["mote_web.wasm"])],
];
for (const [what, bytes] of rows) console.log(`${what.padEnd(36)} ${String(bytes).padStart(7)} bytes gzipped`);
if (whole + plot > LIMIT) {
  console.error(`The page may have ${LIMIT} bytes; it has ${whole + plot}.`);
  process.exit(1);
}
