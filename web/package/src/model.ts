import type { Card } from "./card.js";
import { MoteError } from "./error.js";
import { Guest, type Inputs, type ModelInfo, type PredictOptions, type ReleaseInfo, type Tensor } from "./guest.js";
import type { Keys } from "./keys.js";
import { type OpenOptions, open, openDetached } from "./open.js";
import { dispose, hasRelaxedSimd } from "./platform.js";
import type { Place } from "./source.js";

/** A sealed model, or its two profiles: the fast one is taken where the engine has relaxed SIMD, which Safari has not. */
export type Source = Place | { strict: Place; fast?: Place };

/** A compiled model as it can be posted to a Worker or an AudioWorklet. */
export interface Transferable {
  module: WebAssembly.Module;
  info: ModelInfo;
}

/** @internal The file and profile that suit this engine. */
export function suited(source: Source): [Place, "strict" | "fast"] {
  if (typeof source !== "object" || !("strict" in source)) return [source, "strict"];
  return source.fast !== undefined && hasRelaxedSimd() ? [source.fast, "fast"] : [source.strict, "strict"];
}

/** A verified model that runs on this thread. */
export class Model implements Disposable {
  /** @internal Told of every call: how many milliseconds it took and what came of it, if anything did. */
  observer: ((ms: number, outputs?: Record<string, Tensor>) => void) | undefined;
  readonly #guest: Guest;
  #module: WebAssembly.Module | undefined;

  private constructor(guest: Guest, module: WebAssembly.Module) {
    this.#guest = guest;
    this.#module = module;
  }

  /** Fetches, verifies, compiles and starts a sealed model. */
  static async open(source: Source, keys: Keys, options: OpenOptions = {}): Promise<Model> {
    const [place, profile] = suited(source);
    const { module, info } = await open(place, profile, keys, options);
    return Model.fromModule(module, info);
  }

  /** As `open`, for a module that travelled apart from its manifest, as it does over MQTT. */
  static async openDetached(
    manifest: Uint8Array,
    artifact: Uint8Array<ArrayBuffer>,
    keys: Keys,
    options: Pick<OpenOptions, "floor" | "model"> = {},
  ): Promise<Model> {
    const { module, info } = await openDetached(manifest, artifact, "strict", keys, options);
    return Model.fromModule(module, info);
  }

  /** Starts a model that was opened on another thread and posted here; see `transferable`. */
  static async fromModule(module: WebAssembly.Module, info: ModelInfo): Promise<Model> {
    return new Model(await Guest.fromModule(module, info), module);
  }

  /** What the model says of itself. */
  get card(): Card {
    return this.#guest.card;
  }

  /** Which release it is. */
  get release(): ReleaseInfo {
    return this.#guest.release;
  }

  /** What to post to another thread, where `Model.fromModule` or a worklet's `Guest` starts it without a second check. */
  get transferable(): Transferable | undefined {
    return this.#module && { module: this.#module, info: { card: this.card, release: this.release } };
  }

  /**
   * Runs the model. Inputs are named as in the card; a model with one input besides its state takes the array alone.
   * State is carried from call to call. Outputs are copies unless `copy` is false.
   */
  predict(inputs: Inputs, options?: PredictOptions): Record<string, Tensor> {
    if (!this.observer) return this.#guest.predict(inputs, options);
    const start = performance.now();
    let outputs: Record<string, Tensor>;
    try {
      outputs = this.#guest.predict(inputs, options);
    } catch (error) {
      // A caller's mistake says nothing of the model.
      const mistake = error instanceof MoteError && /^(input|entry)\./.test(error.code);
      if (!mistake) this.observer(performance.now() - start);
      throw error;
    }
    this.observer(performance.now() - start, outputs);
    return outputs;
  }

  /** Forgets what was carried between calls. */
  resetState(): void {
    this.#guest.resetState();
  }

  /** Lets go of code and memory. */
  dispose(): void {
    this.#guest.dispose();
    this.#module = undefined;
  }

  [dispose](): void {
    this.dispose();
  }

  get disposed(): boolean {
    return this.#guest.disposed;
  }
}
