// Names what a sensor's wearer does, off the page's thread, and says it only when it is sure.
import { Debounce, Keys, WorkerModel, Windows } from "mote-web";

export async function watch(key: string, say: (activity: string) => void): Promise<(sample: Float32Array) => Promise<void>> {
  const model = await WorkerModel.open("activity.browser-strict.mote", Keys.from(key));
  const windows = await Windows.of(model.card);
  const debounce = await Debounce.create({ needed: 2, of: 3 });
  return async (sample) => {
    for (const { data, finite } of windows.push(sample)) {
      const scores = finite ? (await model.predict(data))["probabilities"] : undefined;
      const change = scores ? debounce.scores(scores.data as Float32Array) : debounce.abstain();
      if (change) say(change.to === null ? "undecided" : (model.card.labels?.[change.to] ?? String(change.to)));
    }
  };
}
