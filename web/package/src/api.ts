// What both entries export.

export { audio, type FrameOptions } from "./audio.js";
export type { Card, DType, EntryCard, TensorCard } from "./card.js";
export { MoteError } from "./error.js";
export { arrayOf, type Inputs, type ModelInfo, type PredictOptions, type ReleaseInfo, type Tensor, type TypedArray } from "./guest.js";
export { image, type ImageOptions, type ImageSource, type Pixels } from "./image.js";
export { Keys } from "./keys.js";
export { Model, type Source, type Transferable } from "./model.js";
export type { OpenOptions, Progress } from "./open.js";
export { hasRelaxedSimd } from "./platform.js";
export type { Place } from "./source.js";
export { type Change, Debounce, type Rule, type StreamStats, top, type Top, type Window, Windows, type WindowShape } from "./stream.js";
export { init, type InitSource } from "./verifier.js";
export { WorkerModel, type WorkerOptions } from "./worker_model.js";
