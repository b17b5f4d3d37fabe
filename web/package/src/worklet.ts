/** What an AudioWorklet can use: it starts a model that the page has verified, compiled and posted. */
export type { Card, DType, EntryCard, TensorCard } from "./card.js";
export { MoteError } from "./error.js";
export { Guest, type Inputs, type ModelInfo, type PredictOptions, type ReleaseInfo, type Tensor, type TypedArray } from "./guest.js";
