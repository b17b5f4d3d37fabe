// In Node, Deno and Bun: a model from a file beside this one.
import { Keys, Model } from "mote-web";

export async function answer(image: Float32Array, key: string): Promise<Float32Array> {
  using model = await Model.open(new URL("digits.browser-strict.mote", import.meta.url), Keys.from(key));
  const { probabilities } = model.predict({ image });
  return probabilities?.data as Float32Array;
}
