// Tensors on their way to a gateway and back: the Open Inference Protocol's JSON, element by element, without losing a bit.

import type { Card, Tensor, TensorCard, TypedArray } from "mote-web/slim";

import { BF16, F16, type Half, narrow, widen } from "./half.js";

export type Inputs = Record<string, TypedArray>;

/** Element types of a Card: what holds them here, and the protocol's name. */
const ELEMENTS = {
  f32: { array: Float32Array, protocol: "FP32" },
  f64: { array: Float64Array, protocol: "FP64" },
  i8: { array: Int8Array, protocol: "INT8" },
  u8: { array: Uint8Array, protocol: "UINT8" },
  i16: { array: Int16Array, protocol: "INT16" },
  u16: { array: Uint16Array, protocol: "UINT16" },
  i32: { array: Int32Array, protocol: "INT32" },
  u32: { array: Uint32Array, protocol: "UINT32" },
  i64: { array: BigInt64Array, protocol: "INT64" },
  u64: { array: BigUint64Array, protocol: "UINT64" },
  bool: { array: Uint8Array, protocol: "BOOL" },
  f16: { array: Uint16Array, protocol: "FP16" },
  bf16: { array: Uint16Array, protocol: "BF16" },
} as const;

function element(dtype: string) {
  return ELEMENTS[dtype as keyof typeof ELEMENTS];
}

/** The encoding of elements that are held as their bits. */
function half(dtype: string): Half | undefined {
  return dtype === "f16" ? F16 : dtype === "bf16" ? BF16 : undefined;
}

export function elementCount(tensor: { readonly shape: readonly number[] }): number {
  return tensor.shape.reduce((product, dim) => product * dim, 1);
}

/** Zeros in the form that an input takes. */
export function zeros(tensor: TensorCard): TypedArray {
  return new (element(tensor.dtype).array)(elementCount(tensor));
}

/** Plain numbers in the form that an input takes. */
export function fromNumbers(tensor: TensorCard, values: ArrayLike<number>): TypedArray {
  const array = zeros(tensor);
  const format = half(tensor.dtype);
  for (let i = 0; i < array.length; i += 1) {
    const value = values[i] ?? 0;
    if (format) array[i] = narrow(format, value);
    else array[i] = typeof array[i] === "bigint" ? BigInt(Math.trunc(value) || 0) : value;
  }
  return array;
}

/** The entry that takes one row. */
export function singleEntry(card: Card): number {
  return Math.max(0, card.entries.findIndex((entry) => entry.batch === 1));
}

/** Whether JSON can say every element: it has no NaN and no infinity. */
export function isSayable(inputs: Inputs): boolean {
  const finite = (value: number | bigint) => typeof value === "bigint" || Number.isFinite(value);
  return Object.values(inputs).every((array) => Array.prototype.every.call(array, finite));
}

/** The body of an inference request. */
export function request(tensors: readonly TensorCard[], inputs: Inputs): string {
  const parts = tensors.map((tensor) => {
    const format = half(tensor.dtype);
    const plain = tensor.dtype === "bool" ? (value: number | bigint) => String(value !== 0) : number;
    const say = format ? (value: number | bigint) => number(widen(format, Number(value))) : plain;
    const data = Array.from(inputs[tensor.name] ?? [], say).join(",");
    const { name, shape } = tensor;
    return `{"name":${JSON.stringify(name)},"datatype":"${element(tensor.dtype).protocol}","shape":[${shape}],"data":[${data}]}`;
  });
  return `{"inputs":[${parts.join(",")}]}`;
}

/** JSON.stringify drops the sign of zero. */
function number(value: number | bigint): string {
  return Object.is(value, -0) ? "-0.0" : String(value);
}

/** Elements as an answer in JSON gives them: null stands for NaN and the infinities. */
export type Said = ReadonlyArray<number | boolean | null>;

/** How the bits of an output compare with what an answer says. */
export interface Comparison {
  readonly same: number;
  readonly different: number;
  /** Elements that JSON cannot say: NaN, infinities and integers beyond 2^53. */
  readonly unsaid: number;
}

export function compare(tensor: Tensor, said: Said): Comparison {
  const array = tensor.data;
  const format = half(tensor.type);
  if (said.length !== array.length) {
    return { same: 0, different: Math.max(said.length, array.length), unsaid: 0 };
  }
  const theirs = array.slice();
  let unsaid = 0;
  const bytes = array.BYTES_PER_ELEMENT;
  const mine = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let different = 0;
  said.forEach((value, i) => {
    const held = array[i];
    const own = format && typeof held === "number" ? widen(format, held) : held;
    if (value === null || (typeof value === "number" && typeof own === "bigint" && !Number.isSafeInteger(value))) {
      // What it cannot say it must not say of a value that it could.
      if (typeof own === "number" && Number.isFinite(own)) different += 1;
      else unsaid += 1;
      return;
    }
    theirs[i] = typeof own === "bigint" ? BigInt(value) : format ? narrow(format, Number(value)) : Number(value);
    const at = i * bytes;
    const raw = new Uint8Array(theirs.buffer, theirs.byteOffset + at, bytes);
    if (!raw.every((byte, k) => byte === mine[at + k])) different += 1;
  });
  return { same: array.length - different - unsaid, different, unsaid };
}

/** Elements as hexadecimal words, highest byte first: what "the same bits" means, to look at. */
export function bits(array: TypedArray, most = 4096): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const size = array.BYTES_PER_ELEMENT;
  const words: string[] = [];
  for (let i = 0; i < Math.min(array.length, most); i += 1) {
    const word = bytes.subarray(i * size, (i + 1) * size).toReversed();
    words.push(Array.from(word, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return words.join(" ");
}
