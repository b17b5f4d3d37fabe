// A running model. Free of everything that an AudioWorklet lacks: no fetch, no TextDecoder, no verifier.

import type { Card, DType, EntryCard, TensorCard } from "./card.js";
import { MoteError } from "./error.js";
import { dispose } from "./platform.js";

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** An output. */
export interface Tensor {
  /** Dense and row-major; `Float32Array` for `f32`, `Uint8Array` of 0 and 1 for `bool`, `Uint16Array` of the bits for
   * `f16` and `bf16`. */
  data: TypedArray;
  shape: number[];
  type: DType;
}

/** Which release a model came from. */
export interface ReleaseInfo {
  model: string;
  version: bigint;
  /** Identifier of the key that signed. */
  keyId: string;
  /** Whether that key guards nothing: made on a developer's machine. */
  development: boolean;
  /** SHA-256 of the module. */
  digest: string;
  /** SHA-256 of the signed release document. */
  releaseDigest: string;
  /** Which of the release's modules this is: `strict` or `fast`. */
  variant: string;
}

/** What must travel beside a compiled module. Can be posted to any thread. */
export interface ModelInfo {
  card: Card;
  release: ReleaseInfo;
}

export type Inputs = Readonly<Record<string, TypedArray>> | TypedArray;

export interface PredictOptions {
  /** Index of the entry: which batch size. 0 if not given. */
  entry?: number;
  /** Whether outputs are copies, the default. Else they are views of the model's memory that hold until the next call. */
  copy?: boolean;
}

interface Exports {
  memory: WebAssembly.Memory;
  mote_abi: WebAssembly.Global;
  mote_infer(entry: number): number;
}

const PAGE_BYTES = 65536;

const ARRAYS = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  bool: Uint8Array,
  f16: Uint16Array,
  bf16: Uint16Array,
} as const;

/** What a status of the guest boundary means, by its number. */
const STATUS: readonly [code: string, message: string][] = [
  ["ok", ""],
  ["guest.entry", "the entry does not exist"],
  ["guest.index-out-of-range", "an index input points outside the axis that it selects from"],
  ["guest.division-by-zero", "an integer was divided by zero"],
  ["guest.bound-exceeded", "a loop reached its cap"],
  ["guest.malformed-plan", "the model contradicts itself"],
];

/** A running model, for one thread. Instances of one module share its code, never memory. */
export class Guest implements Disposable {
  readonly card: Card;
  readonly release: ReleaseInfo;
  #exports: Exports | undefined;
  #trapped: unknown;
  /** Carried state, one list of bytes per entry. */
  readonly #state = new Map<number, Uint8Array[]>();

  /** @internal */
  constructor(instance: WebAssembly.Instance, info: ModelInfo) {
    const exports = instance.exports as unknown as Exports;
    this.card = info.card;
    this.release = info.release;
    this.#exports = exports;
    // What the card says was signed, yet a read outside memory would be a confusing way to learn that it is wrong.
    const bytes = exports.memory.buffer.byteLength;
    if (exports.mote_abi.value !== this.card.abi || bytes !== this.card.memory.pages * PAGE_BYTES) {
      throw new MoteError("module.card", "the module is not what its card says");
    }
    for (const { inputs, outputs } of this.card.entries) {
      const wrong = [...inputs, ...outputs].find((port) => !(denseBytes(port) === port.bytes && port.offset + port.bytes <= bytes));
      if (wrong) throw new MoteError("module.card", `tensor "${wrong.name}" is not where the card says`);
    }
  }

  /** Starts a compiled module of a model that was opened before, here or on another thread. */
  static async fromModule(module: WebAssembly.Module, info: ModelInfo): Promise<Guest> {
    return new Guest(await WebAssembly.instantiate(module, {}), info);
  }

  /** As `fromModule`, at once: for an AudioWorklet's constructor. Pages of some browsers refuse large modules here. */
  static fromModuleSync(module: WebAssembly.Module, info: ModelInfo): Guest {
    return new Guest(new WebAssembly.Instance(module, {}), info);
  }

  /**
   * Runs the model. Inputs are named as in the card; a model with one input besides its state takes the array alone.
   * A state input that is not given is carried from the last call of the entry.
   */
  predict(inputs: Inputs, options: PredictOptions = {}): Record<string, Tensor> {
    const exports = this.#running();
    const index = options.entry ?? 0;
    const entry = this.card.entries[index];
    if (!entry) throw new MoteError("entry.unknown", `entry ${index} does not exist; the model has ${this.card.entries.length}`);

    const given = this.#named(entry, inputs);
    const carried = this.#carried(index, entry);
    // Everything is checked before the first byte is written, and all inputs are written: a call may overwrite them.
    const sources = entry.inputs.map((port) => {
      const array = given.get(port.name);
      return array ? bytesOf(port, array) : carried.get(port.name);
    });
    const missing = entry.inputs.find((_, at) => !sources[at]);
    if (missing) throw new MoteError("input.missing", `input "${missing.name}" is missing; the model takes ${describe(entry)}`);
    entry.inputs.forEach((port, at) => {
      const source = sources[at];
      if (source) new Uint8Array(exports.memory.buffer, port.offset, port.bytes).set(source);
    });

    this.#call(exports, index);
    this.#keep(exports, index, entry);
    const output = options.copy === false ? view : copy;
    return Object.fromEntries(entry.outputs.map((port) => [port.name, output(exports.memory.buffer, port)]));
  }

  /** Forgets what was carried between calls. */
  resetState(): void {
    this.#state.clear();
  }

  /** Lets go of the model's memory. Nothing can be predicted after it. */
  dispose(): void {
    this.#exports = undefined;
    this.#state.clear();
  }

  [dispose](): void {
    this.dispose();
  }

  /** Whether `dispose` has been called. */
  get disposed(): boolean {
    return this.#exports === undefined;
  }

  #running(): Exports {
    if (!this.#exports) throw new MoteError("model.disposed", `model ${this.release.model} has been disposed of`);
    if (this.#trapped !== undefined) {
      throw new MoteError("model.trapped", "the model's code has trapped before", "open the model again", this.#trapped);
    }
    return this.#exports;
  }

  #named(entry: EntryCard, inputs: Inputs): Map<string, TypedArray> {
    if (!ArrayBuffer.isView(inputs)) {
      const given = new Map(Object.entries(inputs));
      const known = new Set(entry.inputs.map(({ name }) => name));
      const stranger = [...given.keys()].find((name) => !known.has(name));
      if (stranger !== undefined) {
        throw new MoteError("input.unknown", `no input "${stranger}"; the model takes ${describe(entry)}`);
      }
      return given;
    }
    const state = new Set(this.card.state?.map(({ input }) => input));
    const [port, second] = entry.inputs.filter(({ name }) => !state.has(name));
    if (!port || second) throw new MoteError("input.unnamed", `name the inputs; the model takes ${describe(entry)}`);
    return new Map([[port.name, inputs]]);
  }

  /** The bytes of state inputs, zero before the first call. */
  #carried(index: number, entry: EntryCard): Map<string, Uint8Array> {
    const carried = new Map<string, Uint8Array>();
    const kept = this.#state.get(index);
    this.card.state?.forEach(({ input }, pair) => {
      const port = entry.inputs.find(({ name }) => name === input);
      if (port) carried.set(input, kept?.[pair] ?? new Uint8Array(port.bytes));
    });
    return carried;
  }

  #keep(exports: Exports, index: number, entry: EntryCard): void {
    if (!this.card.state) return;
    const kept = this.card.state.map(({ output }) => {
      const port = entry.outputs.find(({ name }) => name === output);
      if (!port) throw new MoteError("module.card", `state output "${output}" does not exist`);
      return new Uint8Array(exports.memory.buffer.slice(port.offset, port.offset + port.bytes));
    });
    this.#state.set(index, kept);
  }

  #call(exports: Exports, index: number): void {
    let status: number;
    try {
      status = exports.mote_infer(index);
    } catch (cause) {
      this.#trapped = cause;
      throw new MoteError("model.trapped", `the model's code trapped: ${String(cause)}`, "open the model again", cause);
    }
    if (status === 0) return;
    const [code, message] = STATUS[status] ?? ["guest.status", `the model answered ${status}`];
    throw new MoteError(code, message);
  }
}

/** Bytes of the port's elements; NaN for a type unknown here. */
function denseBytes({ dtype, shape }: TensorCard): number {
  return shape.reduce((product, dim) => product * dim, ARRAYS[dtype]?.BYTES_PER_ELEMENT ?? Number.NaN);
}

function bytesOf(port: TensorCard, array: TypedArray): Uint8Array {
  const wanted = ARRAYS[port.dtype];
  if (!(array instanceof wanted)) {
    const got = (array as object | null)?.constructor?.name ?? String(array);
    throw new MoteError("input.type", `input "${port.name}" takes ${port.dtype} (${wanted.name}), got ${got}`);
  }
  if (array.byteLength !== port.bytes) {
    const expected = port.bytes / wanted.BYTES_PER_ELEMENT;
    throw new MoteError(
      "input.length",
      `input "${port.name}" takes ${expected} values (${port.dtype} [${port.shape.join(", ")}]), got ${array.length}`,
    );
  }
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function copy(memory: ArrayBuffer, port: TensorCard): Tensor {
  const data = new ARRAYS[port.dtype](memory.slice(port.offset, port.offset + port.bytes));
  return { data, shape: [...port.shape], type: port.dtype };
}

function view(memory: ArrayBuffer, port: TensorCard): Tensor {
  const array = ARRAYS[port.dtype];
  // The compiler aligns tensors to 16; a hand-made module need not.
  if (port.offset % array.BYTES_PER_ELEMENT !== 0) return copy(memory, port);
  return { data: new array(memory, port.offset, port.bytes / array.BYTES_PER_ELEMENT), shape: [...port.shape], type: port.dtype };
}

function describe({ inputs }: EntryCard): string {
  return inputs.map(({ name, dtype, shape }) => `"${name}" ${dtype} [${shape.join(", ")}]`).join(" and ");
}

/** Little-endian bytes as elements of a type, for instance recorded inputs. */
export function arrayOf(dtype: DType, bytes: ArrayBuffer): TypedArray {
  return new ARRAYS[dtype](bytes);
}
