// A sealed file as it comes in: its head first, then its module, piece by piece.

import { readHead } from "./generated/mote_web.js";
import { MoteError } from "./error.js";
import { checked, get, gotMarkup, isMarkup } from "./fetch.js";
import { asking } from "./verifier.js";

/** One sealed file. A `Response` is read once, so it cannot be opened again. */
export type Place = string | URL | Uint8Array | ArrayBuffer | Response;

/** Header, the longest manifest (60 KiB) and padding: no head is longer. */
const LONGEST_HEAD = 61 * 1024;

/** The start of a plain module. */
const WASM = [0x00, 0x61, 0x73, 0x6d];

/** The front of a sealed file: what is signed, and where the module starts. */
export interface Head {
  /** All bytes before the module. */
  bytes: Uint8Array<ArrayBuffer>;
  manifest: Uint8Array;
}

type Pieces = AsyncIterator<Uint8Array, undefined, undefined>;

/** A sealed file that is being read. */
export class Source {
  /** For messages. */
  readonly name: string;
  /** Whether the module arrives over a network: then it is compiled as it comes. */
  readonly remote: boolean;
  readonly #pieces: Pieces;
  /** What has been read beyond the head. */
  #rest: Uint8Array = new Uint8Array();

  private constructor(name: string, remote: boolean, pieces: Pieces) {
    this.name = name;
    this.remote = remote;
    this.#pieces = pieces;
  }

  static async of(place: Place, signal?: AbortSignal): Promise<Source> {
    if (place instanceof Uint8Array || place instanceof ArrayBuffer) {
      return new Source("the given bytes", false, once(place instanceof Uint8Array ? place : new Uint8Array(place)));
    }
    const name = place instanceof Response ? place.url || "the given response" : String(place);
    const response = place instanceof Response ? checked(place, name) : await get(place, signal);
    return new Source(name, true, piecesOf(response, name, signal));
  }

  /** Reads up to the module. */
  async head(): Promise<Head> {
    let bytes = new Uint8Array();
    for (;;) {
      const { value, done } = await this.#pieces.next();
      if (!done) bytes = join(bytes, value);
      if (isMarkup(bytes)) throw gotMarkup(this.name);
      if (WASM.every((byte, at) => bytes[at] === byte)) {
        throw new MoteError("source.plain", `${this.name} is a plain module`, "seal it: a page runs signed models only");
      }
      const head = asking(() => readHead(bytes.subarray(0, LONGEST_HEAD)));
      if (head) {
        const { start, manifest } = head;
        head.free();
        this.#rest = bytes.subarray(start);
        return { bytes: bytes.slice(0, start), manifest };
      }
      if (done) throw new MoteError("seal.malformed", `${this.name} ends after ${bytes.length} bytes`, "fetch the file again");
    }
  }

  /** The module's bytes, after `head`. */
  async *module(): AsyncGenerator<Uint8Array, undefined, undefined> {
    if (this.#rest.length > 0) yield this.#rest;
    for (;;) {
      const { value, done } = await this.#pieces.next();
      if (done) return;
      yield value;
    }
  }

  /** Stops a transfer that is not needed. */
  async cancel(): Promise<void> {
    await this.#pieces.return?.(undefined);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, undefined, undefined> {
  yield bytes;
}

async function* piecesOf(response: Response, name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, undefined, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof MoteError) throw cause;
    throw new MoteError("source.interrupted", `the transfer of ${name} broke off`, "try again", cause);
  } finally {
    // Harmless after the end; otherwise it closes the connection.
    reader.cancel().catch(() => undefined);
  }
}

function join(front: Uint8Array, back: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(front.length + back.length);
  joined.set(front);
  joined.set(back, front.length);
  return joined;
}
