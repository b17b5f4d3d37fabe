// What the page and its worker say to each other.

import type { PlainError } from "./error.js";
import type { Inputs, ModelInfo, Tensor } from "./guest.js";

export type Order =
  | { id: number; do: "start"; module: WebAssembly.Module; info: ModelInfo }
  | { id: number; do: "predict"; inputs: Inputs; entry: number }
  | { id: number; do: "reset" };

export type Answer = { id: number; outputs: Record<string, Tensor> } | { id: number; error: PlainError };
