// Getting bytes, and saying what came instead.

import { MoteError } from "./error.js";
import { nodeModule } from "./platform.js";

/** The first byte of a page; neither a sealed model nor a module starts with it. */
const MARKUP = "<".charCodeAt(0);

/** Whether a server answered with a page where a file was wanted. */
export function isMarkup(bytes: Uint8Array): boolean {
  // A byte order mark or white space may come first.
  const first = bytes.find((byte) => ![0xef, 0xbb, 0xbf, 0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first === MARKUP;
}

export function gotMarkup(name: string): MoteError {
  return new MoteError(
    "source.html",
    `got an HTML page from ${name}`,
    "the file is not deployed there and the server answers with its start page; check that your bundler copies it",
  );
}

/** The response for a URL, refused unless it is a success and no page. */
export async function get(url: string | URL, signal?: AbortSignal): Promise<Response> {
  const name = String(url);
  if (name.startsWith("file:")) {
    const fs = nodeModule<{ readFile(path: URL): Promise<Uint8Array<ArrayBuffer>> }>("node:fs/promises");
    // Deno and Bun fetch files; Node does not.
    if (fs && !("Deno" in globalThis || "Bun" in globalThis)) {
      return new Response(await fs.readFile(new URL(name)).catch((cause: unknown) => Promise.reject(unreachable(name, cause))));
    }
  }
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreachable(name, cause);
  }
  return checked(response, name);
}

function unreachable(name: string, cause: unknown): MoteError {
  return new MoteError("source.unreachable", `cannot reach ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, undefined, cause);
}

/** Refuses a response that is no success, or a page. */
export function checked(response: Response, name: string): Response {
  if (!response.ok) {
    throw new MoteError("source.status", `${name} answered ${response.status} ${response.statusText}`.trimEnd());
  }
  if (response.headers.get("content-type")?.startsWith("text/html")) throw gotMarkup(name);
  return response;
}
