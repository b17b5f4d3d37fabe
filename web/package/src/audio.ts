// Sound to frames.

export interface FrameOptions {
  /** Samples per frame. */
  size: number;
  /** Samples from the start of one frame to that of the next; `size` if not given. */
  hop?: number;
}

/** The whole frames of a recording, as views of it; a rest that fills no frame is left out. */
function* frames(samples: Float32Array, { size, hop = size }: FrameOptions): Generator<Float32Array, undefined, undefined> {
  if (!(size >= 1 && hop >= 1)) throw new RangeError(`frames of ${size} samples every ${hop}; both must be at least 1`);
  for (let start = 0; start + size <= samples.length; start += hop) yield samples.subarray(start, start + size);
}

/** One channel: the mean of all, rounded to f32 once. Takes what `decodeAudioData` gives, or arrays of equal length. */
function toMono(sound: AudioBuffer | readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const channels =
    "getChannelData" in sound ? Array.from({ length: sound.numberOfChannels }, (_, at) => sound.getChannelData(at)) : sound;
  const length = channels[0]?.length ?? 0;
  const odd = channels.find((channel) => channel.length !== length);
  if (odd) throw new RangeError(`channels of ${length} and ${odd.length} samples`);
  return Float32Array.from({ length }, (_, at) => channels.reduce((sum, channel) => sum + (channel[at] ?? 0), 0) / channels.length);
}

export const audio = { frames, toMono };
