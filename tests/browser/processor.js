// Runs on the audio thread of a page: asks a model that the page has posted once for each set of inputs.
import { Guest } from '/package/worklet.js';

class Asked extends AudioWorkletProcessor {
  constructor({ processorOptions: { module, info, sets } }) {
    super();
    this.guest = Guest.fromModuleSync(module, info);
    this.sets = sets;
  }

  process() {
    this.port.postMessage(this.sets.map((set) => this.guest.predict(set)));
    return false;
  }
}

registerProcessor('asked', Asked);
