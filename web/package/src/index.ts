/**
 * Runs sealed Mote models where JavaScript runs. This entry carries the verifier inside, so that no bundler, policy or
 * server can lose it; `mote-web/slim` is the same without, for pages that place `mote_web.wasm` themselves.
 */
import packed from "./generated/mote_web.wasm.gz";
import { setStandardSource } from "./verifier.js";

setStandardSource(() => {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
});

export * from "./api.js";
