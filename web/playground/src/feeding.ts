// How an input is fed: by its shape and by what the Card says of windows, never by the model's name.

import type { Card, TensorCard } from "mote-web/slim";
import { elementCount } from "./tensor";

/** A picture; channels are 1 (grey) or 3. */
export interface Picture {
  readonly kind: "picture";
  readonly layout: "nchw" | "nhwc";
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/** A window of a stream: `length` samples of `channels` values, one every `hop` samples. */
export interface Series {
  readonly kind: "series";
  readonly channelMajor: boolean;
  readonly channels: number;
  readonly length: number;
  readonly hop: number;
}

/** Numbers, one by one. */
export interface Values {
  readonly kind: "values";
  readonly count: number;
}

export type Feeding = Picture | Series | Values;

/** Sides below this are more likely features than pixels. */
const SMALLEST_SIDE = 4;

export function feedingOf(tensor: TensorCard, card: Card): Feeding {
  const values: Values = { kind: "values", count: elementCount(tensor) };
  // Windows and pictures are of f32; a leading dimension of 1 is the batch.
  if (tensor.dtype !== "f32") return values;
  const [a = 0, b = 0, c = 0, ...deeper] = tensor.shape[0] === 1 ? tensor.shape.slice(1) : tensor.shape;
  if (deeper.length > 0) return values;
  if (c > 0) return picture("nchw", a, b, c) ?? picture("nhwc", c, a, b) ?? values;
  if (b > 0) {
    const square = a === b && card.window === undefined ? picture("nchw", 1, a, b) : null;
    return square ?? series(a, b, card);
  }
  return a > 1 && card.window === a ? series(a, 1, card) : values;
}

function picture(layout: "nchw" | "nhwc", channels: number, height: number, width: number): Picture | null {
  const large = Math.min(height, width) >= SMALLEST_SIDE;
  return (channels === 1 || channels === 3) && large ? { kind: "picture", layout, channels, height, width } : null;
}

/** Time is the axis as long as the Card's window, else the longer one. */
function series(a: number, b: number, card: Card): Series {
  const channelMajor = card.window === undefined ? b > a : card.window === b && card.window !== a;
  const [length, channels] = channelMajor ? [b, a] : [a, b];
  return { kind: "series", channelMajor, channels, length, hop: card.hop ?? Math.max(1, length >> 2) };
}

/** Columns that a recording needs for an input: one row holds a sample of a series, else the whole input. */
export function columnsOf(feeding: Feeding): number {
  switch (feeding.kind) {
    case "series":
      return feeding.channels;
    case "picture":
      return feeding.channels * feeding.height * feeding.width;
    case "values":
      return feeding.count;
  }
}

/** What a feeder sends up; `live` where more will follow by itself. */
export class FeedEvent extends CustomEvent<{ readonly values: Float32Array | Float64Array; readonly live: boolean }> {
  constructor(values: Float32Array | Float64Array, live = false) {
    super("feed", { detail: { values, live }, bubbles: true, composed: true });
  }
}
