// From a sealed file to a compiled module. Nothing that has not been verified becomes one.

import { type Intake, Offer } from "./generated/mote_web.js";
import { readCard } from "./card.js";
import { Store } from "./cache.js";
import { MoteError } from "./error.js";
import type { ModelInfo, ReleaseInfo } from "./guest.js";
import type { Keys } from "./keys.js";
import { type Head, type Place, Source } from "./source.js";
import { asking, init } from "./verifier.js";

/** How much of a module has been read, and from where. */
export type Progress = { source: "network" | "cache"; loaded: number; total: number | null };

export interface OpenOptions {
  /** Keep the verified module in the Cache API; so where that exists. It is verified again whenever it is read. */
  cache?: boolean;
  onProgress?(progress: Progress): void;
  signal?: AbortSignal;
  /** The lowest version that may run. */
  floor?: bigint | number;
  /** The model's name; any if not given. Without it, one signed model can be put in place of another. */
  model?: string;
}

/** A verified module, and what must travel beside it. */
export interface Opened {
  module: WebAssembly.Module;
  info: ModelInfo;
}

type Profile = "strict" | "fast";

/** Pieces in which bytes cross to the verifier, whose memory need not hold a module. */
const PIECE = 64 * 1024;

/** Opens a sealed file: from the network, else what the cache has of it. */
export async function open(place: Place, profile: Profile, keys: Keys, options: OpenOptions): Promise<Opened> {
  await init();
  const url = place instanceof Response ? place.url : place instanceof Uint8Array || place instanceof ArrayBuffer ? "" : absolute(place);
  const store = options.cache !== false && url ? await Store.find() : undefined;
  let source: Source;
  try {
    source = await Source.of(place, options.signal);
  } catch (error) {
    const offline = error instanceof MoteError && error.code === "source.unreachable";
    const opened = offline && store && (await openOffline(store, url, profile, keys, options));
    if (opened) return opened;
    throw error;
  }
  try {
    const head = await source.head();
    return await using(offer(head.manifest, profile, keys, options), async (offer) => {
      const cached = store && (await fromCache(store, offer, options));
      const opened = cached ?? (await fromSource(source, offer, head, store !== undefined, options));
      await store?.keep(url, head.bytes, offer.digest, opened.bytes);
      return { module: opened.module, info: infoOf(opened.module, offer) };
    });
  } finally {
    await source.cancel();
  }
}

/** Opens a module that travelled apart from its manifest, as it does over MQTT. */
export async function openDetached(
  manifest: Uint8Array,
  artifact: Uint8Array<ArrayBuffer>,
  profile: Profile,
  keys: Keys,
  options: Pick<OpenOptions, "floor" | "model">,
): Promise<Opened> {
  await init();
  return using(offer(manifest, profile, keys, options), async (offer) => {
    hash(offer.intake(), artifact);
    const module = await compile(artifact);
    return { module, info: infoOf(module, offer) };
  });
}

/** What the cache has of a URL that cannot be reached. */
async function openOffline(store: Store, url: string, profile: Profile, keys: Keys, options: OpenOptions): Promise<Opened | undefined> {
  const bytes = await store.head(url);
  if (!bytes) return undefined;
  const { manifest } = await (await Source.of(bytes)).head();
  return using(offer(manifest, profile, keys, options), async (offer) => {
    const cached = await fromCache(store, offer, options);
    return cached && { module: cached.module, info: infoOf(cached.module, offer) };
  });
}

function offer(manifest: Uint8Array, profile: Profile, keys: Keys, { model, floor }: Pick<OpenOptions, "floor" | "model">): Offer {
  const ring = keys.ring();
  try {
    return asking(() => Offer.check(manifest, ring, profile, model, BigInt(floor ?? 0)));
  } finally {
    ring.free();
  }
}

interface Compiled {
  module: WebAssembly.Module;
  /** The bytes, if they are to be kept. */
  bytes?: Uint8Array<ArrayBuffer>;
}

async function fromCache(store: Store, offer: Offer, { onProgress }: OpenOptions): Promise<Compiled | undefined> {
  const bytes = await store.artifact(offer.digest);
  if (!bytes) return undefined;
  try {
    hash(offer.intake(), bytes);
  } catch (error) {
    // Storage that goes bad costs a transfer, not the page.
    if (!(error instanceof MoteError)) throw error;
    await store.forget(offer.digest);
    return undefined;
  }
  onProgress?.({ source: "cache", loaded: bytes.length, total: bytes.length });
  return { module: await compile(bytes) };
}

/**
 * Reads and hashes the module. Over a network it is compiled as it arrives; the compiler is told of the end only once
 * the digest is the signed one, so that there is no module before.
 */
async function fromSource(source: Source, offer: Offer, head: Head, keep: boolean, { onProgress }: OpenOptions): Promise<Compiled> {
  const compiler = source.remote && "compileStreaming" in WebAssembly ? new Compiler() : undefined;
  const bytes = keep || !compiler ? new Uint8Array(offer.length) : undefined;
  const intake = offer.intake();
  const total = head.bytes.length + offer.length;
  let loaded = 0;
  try {
    for await (const piece of source.module()) {
      take(intake, piece);
      bytes?.set(piece, loaded);
      compiler?.write(piece);
      loaded += piece.length;
      onProgress?.({ source: "network", loaded: head.bytes.length + loaded, total });
    }
    asking(() => intake.finish());
  } catch (error) {
    compiler?.abort(error);
    throw error;
  }
  const module = compiler ? await compiler.finish() : await compile(bytes ?? new Uint8Array());
  return bytes && keep ? { module, bytes } : { module };
}

/** The browser's compiler, fed piece by piece. */
class Compiler {
  #feed: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #module: Promise<WebAssembly.Module>;

  constructor() {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (feed) => void (this.#feed = feed) });
    this.#module = WebAssembly.compileStreaming(new Response(body, { headers: { "content-type": "application/wasm" } }));
    // It may fail while pieces are still coming; finish() says so.
    this.#module.catch(() => undefined);
  }

  write(piece: Uint8Array): void {
    this.#feed?.enqueue(piece);
  }

  abort(reason: unknown): void {
    this.#feed?.error(reason);
  }

  finish(): Promise<WebAssembly.Module> {
    this.#feed?.close();
    return this.#module.catch(notCompiled);
  }
}

function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  return WebAssembly.compile(bytes).catch(notCompiled);
}

function notCompiled(cause: unknown): never {
  const message = cause instanceof Error ? cause.message : String(cause);
  throw new MoteError("module.refused", `this engine does not compile the module: ${message}`, undefined, cause);
}

function hash(intake: Intake, bytes: Uint8Array): void {
  take(intake, bytes);
  asking(() => intake.finish());
}

function take(intake: Intake, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    asking(() => intake.take(piece));
  }
}

/** Holds a module to what its release allows and says what both are. */
function infoOf(module: WebAssembly.Module, offer: Offer): ModelInfo {
  const card = readCard(module);
  const needed = BigInt(card.memory.pages) * 65536n;
  if (offer.memoryBytes > 0n && needed > offer.memoryBytes) {
    throw new MoteError("module.memory", `the module takes ${needed} bytes, its release allows ${offer.memoryBytes}`);
  }
  const { model, version, keyId, development, digest, releaseDigest, variant } = offer;
  const release: ReleaseInfo = { model, version, keyId, development, digest, releaseDigest, variant };
  return { card, release };
}

async function using<T>(offer: Offer, body: (offer: Offer) => Promise<T>): Promise<T> {
  try {
    return await body(offer);
  } finally {
    offer.free();
  }
}

/** The URL as the page means it, so that one file has one place in the cache. */
function absolute(place: string | URL): string {
  try {
    return new URL(place, globalThis.location?.href).href;
  } catch (cause) {
    const hint = "outside a page, pass the file's bytes or new URL(FILE, import.meta.url)";
    throw new MoteError("source.url", `"${place}" is no URL here`, hint, cause);
  }
}
