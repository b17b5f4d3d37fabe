/**
 * What a device must not lose: its record, the bytes of an update under way, and the releases it can run.
 *
 * IndexedDB in pages and workers; memory where there is none, so that the device is a new one at each start.
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** A release as it was fetched. Nothing about it is trusted until the machine has opened it. */
export interface Parts {
  /** The signed release document. */
  manifest: Bytes;
  /** The golden vectors; empty if the release has none. */
  golden: Bytes;
  /** The module. */
  artifact: Bytes;
}

/** Bytes of one part. */
export interface Piece {
  part: keyof Parts;
  /** Where in the part, in bytes. */
  offset: number;
  bytes: Uint8Array;
}

/** Where a device keeps what it must not lose. */
export interface DeviceStore {
  /** The record that was kept last, and the number of this start, which is durable by then. */
  start(): Promise<{ record: Uint8Array | undefined; boot: bigint }>;
  /** Makes a record and pieces durable, all or nothing. */
  persist(record: Uint8Array, pieces: Piece[]): Promise<void>;
  /** Forgets all pieces but the manifest. */
  prepare(): Promise<void>;
  /** The parts that the pieces make. */
  kept(): Promise<Parts>;
  /** Remembers a release. */
  add(release: string, parts: Parts): Promise<void>;
  /** A release that is remembered. */
  release(release: string): Promise<Parts | undefined>;
  /** Forgets the releases that are not needed. */
  collect(needed: string[]): Promise<void>;
  /** Ends the use of the store. */
  close(): void;
}

/** A store that lives as long as the page. */
export class MemoryStore implements DeviceStore {
  #record: Uint8Array | undefined;
  #boots = 0n;
  #pieces = new Map<string, Piece>();
  #releases = new Map<string, Parts>();

  async start() {
    this.#boots += 1n;
    return { record: this.#record, boot: this.#boots };
  }

  async persist(record: Uint8Array, pieces: Piece[]) {
    this.#record = record;
    for (const piece of pieces) this.#pieces.set(`${piece.part} ${piece.offset}`, piece);
  }

  async prepare() {
    for (const [key, { part }] of this.#pieces) if (part !== "manifest") this.#pieces.delete(key);
  }

  async kept() {
    return assemble([...this.#pieces.values()]);
  }

  async add(release: string, parts: Parts) {
    this.#releases.set(release, parts);
  }

  async release(release: string) {
    return this.#releases.get(release);
  }

  async collect(needed: string[]) {
    for (const release of this.#releases.keys()) if (!needed.includes(release)) this.#releases.delete(release);
  }

  close() {}
}

const STATE = "state";
const PIECES = "pieces";
const RELEASES = "releases";

/** A store that survives the page. Its transactions are what the machine calls durable: all or nothing, on the disk. */
export class IndexedDbStore implements DeviceStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
    // Another page wants to delete or renew the database; what is written is whole.
    database.onversionchange = () => database.close();
  }

  /** Opens the store of this name, empty if it is new. */
  static async open(name: string): Promise<IndexedDbStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const store of [STATE, PIECES, RELEASES]) request.result.createObjectStore(store);
    };
    return new IndexedDbStore(await answer(request));
  }

  async start() {
    const transaction = this.#write(STATE);
    const state = transaction.objectStore(STATE);
    const record = await answer<Uint8Array | undefined>(state.get("record"));
    const boot = ((await answer<bigint | undefined>(state.get("boot"))) ?? 0n) + 1n;
    state.put(boot, "boot");
    await complete(transaction);
    return { record, boot };
  }

  async persist(record: Uint8Array, pieces: Piece[]) {
    const transaction = this.#write(STATE, PIECES);
    transaction.objectStore(STATE).put(record, "record");
    for (const piece of pieces) transaction.objectStore(PIECES).put(piece, [piece.part, piece.offset]);
    await complete(transaction);
  }

  async prepare() {
    const transaction = this.#write(PIECES);
    for (const part of ["golden", "artifact"]) {
      transaction.objectStore(PIECES).delete(IDBKeyRange.bound([part], [part, []]));
    }
    await complete(transaction);
  }

  async kept() {
    const pieces = this.#database.transaction(PIECES).objectStore(PIECES).getAll();
    return assemble(await answer<Piece[]>(pieces));
  }

  async add(release: string, parts: Parts) {
    const transaction = this.#write(RELEASES);
    transaction.objectStore(RELEASES).put(parts, release);
    await complete(transaction);
  }

  async release(release: string) {
    const request = this.#database.transaction(RELEASES).objectStore(RELEASES).get(release);
    return answer<Parts | undefined>(request);
  }

  async collect(needed: string[]) {
    const transaction = this.#write(RELEASES);
    const releases = transaction.objectStore(RELEASES);
    for (const key of await answer(releases.getAllKeys())) if (!needed.includes(String(key))) releases.delete(key);
    await complete(transaction);
  }

  close() {
    this.#database.close();
  }

  #write(...stores: string[]) {
    return this.#database.transaction(stores, "readwrite", { durability: "strict" });
  }
}

/** The store for a device of this name: IndexedDB, or memory where there is none. */
export async function openStore(name: string): Promise<DeviceStore> {
  return typeof indexedDB === "undefined" ? new MemoryStore() : IndexedDbStore.open(name);
}

function assemble(pieces: Piece[]): Parts {
  const whole = (part: keyof Parts) => {
    const own = pieces.filter((piece) => piece.part === part);
    const length = own.reduce((length, { offset, bytes }) => Math.max(length, offset + bytes.length), 0);
    const all = new Uint8Array(length);
    for (const { offset, bytes } of own) all.set(bytes, offset);
    return all;
  };
  return { manifest: whole("manifest"), golden: whole("golden"), artifact: whole("artifact") };
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function complete(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
