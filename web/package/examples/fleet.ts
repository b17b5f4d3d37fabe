// A page that is a device of a fleet: it runs what its operators order, and takes a newer model without a reload.
import { Keys } from "mote-web";
import { FleetDevice } from "mote-web/device";

export async function join(sensor: AsyncIterable<Float32Array>, show: (scores: Float32Array) => void): Promise<void> {
  const device = await FleetDevice.start({
    url: `wss://${location.host}/mqtt`,
    fleet: "plant",
    device: "page-1",
    model: "activity-cnn1d",
    // Of the publisher's releases, and of whoever orders devices to run them.
    keys: Keys.from(await (await fetch("trusted.keys")).text()),
    options: { first: "activity-cnn1d.browser-strict.mote", trial: { answers: 50 } },
  });
  device.on("swap", ({ model, previous }) => console.log(`version ${model?.release.version} answers, ${previous} before it`));
  device.on("twin", ({ state, failure }) => console.log(state, failure));
  device.on("error", ({ code, message }) => console.warn(code, message));
  for await (const window of sensor) {
    // Taken anew each time: it may have been swapped. These calls are what a new model is tried by.
    const outputs = device.model?.predict(window);
    if (outputs) show(outputs.probabilities?.data as Float32Array);
  }
  await device.stop();
}
