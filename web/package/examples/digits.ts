// Reads a digit that was drawn on a canvas.
import { image, Keys, Model, MoteError } from "mote-web";

export async function reader(key: string, show: (text: string) => void): Promise<(canvas: HTMLCanvasElement) => number> {
  let model: Model;
  try {
    model = await Model.open({ strict: "digits.browser-strict.mote", fast: "digits.browser-fast.mote" }, Keys.from(key), {
      onProgress: ({ source, loaded, total }) => show(`${source}: ${loaded} of ${total ?? "?"} bytes`),
    });
  } catch (error) {
    if (error instanceof MoteError) show(`${error.code}: ${error.message}. ${error.hint ?? ""}`);
    throw error;
  }
  show(`${model.release.model} version ${model.release.version}, signed by ${model.release.keyId}`);
  return (canvas) => {
    const pixels = image.toTensor(canvas, { width: 8, height: 8, layout: "nchw", channels: 1, scale: 255 / 16 });
    const { probabilities } = model.predict(pixels);
    const scores = [...(probabilities?.data as Float32Array)];
    return scores.indexOf(Math.max(...scores));
  };
}
