// Runs the golden vectors of a release through a model that nobody relies on yet.

import type { SelfTest } from "../generated/mote_web.js";
import type { TensorCard } from "../card.js";
import { arrayOf, type TypedArray } from "../guest.js";
import type { Model } from "../model.js";

/** Whether the model gives every answer that its release promises. */
export function passes(model: Model, test: SelfTest): boolean {
  for (let call = 0; call < test.calls; call += 1) {
    const index = test.entry(call) ?? -1;
    const entry = model.card.entries[index];
    const bytes = entry && test.inputs(call, total(entry.inputs));
    if (!entry || !bytes) return false;
    const outputs = model.predict(split(entry.inputs, bytes), { entry: index, copy: false });
    for (const { name, dtype } of entry.outputs) {
      const data = outputs[name]?.data;
      if (!data) return false;
      test.output(dtype, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    if (!test.passes(call)) return false;
  }
  model.resetState();
  return true;
}

function total(ports: TensorCard[]): number {
  return ports.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Golden inputs lie one behind the other, in the order of the Card. */
function split(ports: TensorCard[], bytes: Uint8Array): Record<string, TypedArray> {
  let from = 0;
  return Object.fromEntries(
    ports.map((port) => {
      const own = bytes.slice(from, from + port.bytes);
      from += port.bytes;
      return [port.name, arrayOf(port.dtype, own.buffer)];
    }),
  );
}
