// The module that checks seals: loaded once, before anything else.

import start, { Refusal } from "./generated/mote_web.js";
import { MoteError } from "./error.js";
import { get, gotMarkup, isMarkup } from "./fetch.js";

/** Where the verifier comes from, for pages that place files themselves. */
export interface InitSource {
  /** The URL of `mote_web.wasm`. */
  wasmUrl?: string | URL;
  /** Its bytes. */
  wasmBytes?: BufferSource;
  /** Compiled already, for instance by another thread. */
  module?: WebAssembly.Module;
}

let standard: (() => Promise<BufferSource>) | undefined;
let ready: Promise<void> | undefined;

/** @internal What `init` takes when it is given nothing: this entry's own copy. */
export function setStandardSource(bytes: () => Promise<BufferSource>): void {
  standard = bytes;
}

/**
 * Loads the verifier. Everything that needs it calls this, so that a page only does where it has a source to name.
 * Later calls wait for the first one; after a failed one it may be called again.
 */
export function init(source: InitSource = {}): Promise<void> {
  ready ??= load(source).catch((error: unknown) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

async function load({ module, wasmBytes, wasmUrl }: InitSource): Promise<void> {
  const bytes = async () => wasmBytes ?? (wasmUrl === undefined ? standard?.() : fetchVerifier(wasmUrl));
  const code = module ?? (await bytes());
  if (!code) throw new MoteError("init.source", "no verifier to load", 'import from "mote-web", or pass a source to init()');
  await start({ module_or_path: code instanceof WebAssembly.Module ? code : await WebAssembly.compile(code) });
}

/** @internal */
export async function fetchVerifier(url: string | URL): Promise<BufferSource> {
  const bytes = await (await get(url)).arrayBuffer();
  if (isMarkup(new Uint8Array(bytes, 0, Math.min(bytes.byteLength, 64)))) throw gotMarkup(String(url));
  return bytes;
}

/** @internal Calls into the verifier; what it refuses becomes a `MoteError`. */
export function asking<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    const error = new MoteError(thrown.code, thrown.message, thrown.hint);
    thrown.free();
    throw error;
  }
}
