// Listens on the audio thread: the page opens the model, sound_processor.ts runs it.
import { Keys, Model } from "mote-web";

export async function listen(context: AudioContext, key: string): Promise<AudioWorkletNode> {
  const model = await Model.open("keyword.browser-strict.mote", Keys.from(key));
  await context.audioWorklet.addModule("sound_processor.js");
  return new AudioWorkletNode(context, "mote-keyword", { processorOptions: model.transferable });
}
