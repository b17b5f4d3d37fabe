// Pictures to tensors, as the Python libraries that trained the model did it.

import { MoteError } from "./error.js";

/** Pixels of red, green, blue and alpha, row by row: `ImageData`, or what a decoder gives outside a page. */
export interface Pixels {
  data: Uint8ClampedArray | Uint8Array;
  width: number;
  height: number;
}

export type ImageSource = Pixels | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | HTMLImageElement | HTMLVideoElement;

export interface ImageOptions {
  width: number;
  height: number;
  /** Per channel or for all, in units of `scale`d pixels. 0 if not given. */
  mean?: number | readonly number[];
  /** Per channel or for all, in units of `scale`d pixels. 1 if not given. */
  std?: number | readonly number[];
  /** What a pixel of 0 to 255 is divided by first; 255 if not given. */
  scale?: number;
  layout: "nhwc" | "nchw";
  /** 3 is red, green, blue; 1 is their luma (ITU-R 601, rounded to a byte as Pillow does). Alpha is left out. */
  channels: 1 | 3;
}

/**
 * The picture as a tensor [1, height, width, channels] or [1, channels, height, width], smoothly scaled to that size.
 * Pixels of that size need no canvas and so work anywhere. Each value is `(pixel / scale - mean) / std`, every step rounded to f32, so that it has the bits of numpy's.
 */
function toTensor(source: ImageSource, options: ImageOptions): Float32Array<ArrayBuffer> {
  const { width, height, channels, layout } = options;
  const pixels = sized(source, width, height).data;
  const tables = Array.from({ length: channels }, (_, channel) => table(options, channel));
  const area = width * height;
  const tensor = new Float32Array(area * channels);
  for (let at = 0; at < area; at++) {
    const [red, green, blue] = [pixels[4 * at] ?? 0, pixels[4 * at + 1] ?? 0, pixels[4 * at + 2] ?? 0];
    const bytes = channels === 1 ? [luma(red, green, blue)] : [red, green, blue];
    for (let channel = 0; channel < channels; channel++) {
      const place = layout === "nhwc" ? at * channels + channel : channel * area + at;
      tensor[place] = tables[channel]?.[bytes[channel] ?? 0] ?? 0;
    }
  }
  return tensor;
}

function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** What each of the 256 values of a byte becomes. */
function table({ mean = 0, std = 1, scale = 255 }: ImageOptions, channel: number): Float32Array {
  const of = (setting: number | readonly number[]) => Math.fround(typeof setting === "number" ? setting : (setting[channel] ?? Number.NaN));
  const [shift, width] = [of(mean), of(std)];
  return Float32Array.from({ length: 256 }, (_, byte) => Math.fround(Math.fround(byte / scale) - shift) / width);
}

function sized(source: ImageSource, width: number, height: number): Pixels {
  if ("data" in source && source.width === width && source.height === height) return source;
  const canvas = blank(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null;
  if (!context) throw new MoteError("image.canvas", "no canvas to draw on here");
  context.imageSmoothingQuality = "high";
  context.drawImage("data" in source ? drawn(source) : source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function drawn({ data, width, height }: Pixels): OffscreenCanvas | HTMLCanvasElement {
  const canvas = blank(width, height);
  const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null;
  context?.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0);
  return canvas;
}

function blank(width: number, height: number): OffscreenCanvas | HTMLCanvasElement {
  if (typeof OffscreenCanvas === "function") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

export const image = { toTensor };
