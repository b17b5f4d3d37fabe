// Modules by digest, and which sealed head a URL had. What comes out is verified like what comes from the network.

/** The name of the cache; bytes laid out in another way would be another cache. */
const NAME = "mote-cache-1";

/** Keys must be URLs. The name is reserved (RFC 2606), and nothing is ever fetched from it. */
const KEYS = "https://mote.invalid/";

/** The digest of the module that a head promises, so that it can be dropped with its head. */
const DIGEST = "x-mote-digest";

export class Store {
  readonly #cache: Cache;

  private constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** The store of this origin, where there is one: not in Node, not over plain HTTP, not in every private window. */
  static async find(): Promise<Store | undefined> {
    try {
      return typeof caches === "undefined" ? undefined : new Store(await caches.open(NAME));
    } catch {
      return undefined;
    }
  }

  /** The module of this digest. */
  async artifact(digest: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return bytesOf(await this.#cache.match(artifactKey(digest)));
  }

  /** The head that the URL had when it was last opened. */
  async head(url: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return bytesOf(await this.#cache.match(headKey(url)));
  }

  /** Drops a module whose bytes have gone bad. */
  async forget(digest: string): Promise<void> {
    await this.#cache.delete(artifactKey(digest));
  }

  /**
   * Keeps a verified head and, if it is not there yet, its module; drops the module of the head that it replaces.
   * A full disk, or storage that the browser takes away, keeps nothing and stops nobody.
   */
  async keep(url: string, head: Uint8Array<ArrayBuffer>, digest: string, artifact?: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const before = (await this.#cache.match(headKey(url)))?.headers.get(DIGEST);
      if (artifact) await this.#cache.put(artifactKey(digest), new Response(artifact));
      await this.#cache.put(headKey(url), new Response(head, { headers: { [DIGEST]: digest } }));
      if (before && before !== digest) await this.forget(before);
    } catch {
      return;
    }
  }
}

function artifactKey(digest: string): string {
  return `${KEYS}sha256/${digest}`;
}

function headKey(url: string): string {
  return `${KEYS}head?${new URLSearchParams({ url })}`;
}

async function bytesOf(response: Response | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return response && new Uint8Array(await response.arrayBuffer());
}
