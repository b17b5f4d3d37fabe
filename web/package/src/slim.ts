/** As `mote-web`, with the verifier in a file beside this one, or wherever `init` is told. */
import { fetchVerifier, setStandardSource } from "./verifier.js";

setStandardSource(() => fetchVerifier(new URL("./mote_web.wasm", import.meta.url)));

export * from "./api.js";
