/**
 * Runs sealed Mote models where JavaScript runs. This entry carries the verifier inside, so that no bundler, policy or
 * server can lose it; `mote-web/slim` is the same without, for pages that place `mote_web.wasm` themselves.
 */
import wasmBytes from "./generated/mote_web_bg.wasm";
import { setStandardSource } from "./verifier.js";

setStandardSource({ wasmBytes });

export * from "./api.js";
