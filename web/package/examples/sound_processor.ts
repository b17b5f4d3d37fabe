// Runs on the audio thread, where there is neither fetch nor TextDecoder.
import { Guest, type ModelInfo } from "mote-web/worklet";

declare function registerProcessor(name: string, processor: new (options: ProcessorOptions) => Keyword): void;

interface ProcessorOptions {
  processorOptions: { module: WebAssembly.Module; info: ModelInfo };
}

class Keyword {
  readonly #guest: Guest;

  constructor({ processorOptions: { module, info } }: ProcessorOptions) {
    this.#guest = Guest.fromModuleSync(module, info);
  }

  process([input]: Float32Array[][]): boolean {
    const samples = input?.[0];
    if (samples) this.#guest.predict(samples, { copy: false });
    return true;
  }
}

registerProcessor("mote-keyword", Keyword);
