// Tensors of a small picture, as bits, and frames of a short sound.
import { audio, image } from "mote-web";

const [width, height] = [5, 3];
const picture = { width, height, data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, at) => (at * 53) % 256) };
const bits = (tensor) => [...new Uint32Array(tensor.buffer)];
const [mean, std] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
const colours = (layout) => bits(image.toTensor(picture, { width, height, channels: 3, layout, mean, std }));

console.log(JSON.stringify({
  nhwc: colours("nhwc"),
  nchw: colours("nchw"),
  grey: bits(image.toTensor(picture, { width, height, channels: 1, layout: "nchw", scale: 16 })),
  frames: [...audio.frames(Float32Array.from({ length: 12 }, (_, at) => at), { size: 4, hop: 3 })].map((frame) => [...frame]),
  mono: [...audio.toMono([Float32Array.of(1, 0.5), Float32Array.of(2, -1)])],
}));
