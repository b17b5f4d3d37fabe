// Sliding windows and decisions, by the code that gateways and microcontrollers run.

import { Debounce as Votes, topOf, Windows as Cutter } from "./generated/mote_web.js";
import type { Card } from "./card.js";
import { asking, init } from "./verifier.js";

export interface WindowShape {
  /** Values per sample. */
  channels: number;
  /** Samples per window. */
  length: number;
  /** Samples from the start of one window to that of the next. */
  hop: number;
  /** `time`: sample after sample, [length, channels]. `channel`: channel after channel, [channels, length]. */
  order?: "time" | "channel";
}

/** A complete window. */
export interface Window {
  /** All values, ready for `predict`. */
  data: Float32Array;
  /** Whether every value is finite. A model would answer all the same. */
  finite: boolean;
}

/** What did not arrive as it should. */
export interface StreamStats {
  /** How often numbers were missing; each time the window starts anew. */
  gaps: bigint;
  /** How many numbers were missing. */
  lost: bigint;
  /** Samples dropped because their number had passed. */
  late: bigint;
}

/** Cuts a stream of samples into overlapping windows. */
export class Windows {
  readonly #cutter: Cutter;
  readonly #channels: number;

  private constructor(cutter: Cutter, channels: number) {
    this.#cutter = cutter;
    this.#channels = channels;
  }

  static async create({ channels, length, hop, order }: WindowShape): Promise<Windows> {
    await init();
    return new Windows(asking(() => new Cutter(channels, length, hop, order === "channel")), channels);
  }

  /**
   * The windows that a model takes: its card's `window` and `hop`, for an input [1, window, channels]; or [1, channels, window]
   * where the card states the window.
   */
  static async of(card: Card): Promise<Windows> {
    const shape = card.entries[0]?.inputs[0]?.shape ?? [];
    const length = card.window ?? shape.at(-2) ?? 1;
    const values = shape.reduce((product, dim) => product * dim, 1);
    const channels = values / length;
    const order = shape.at(-1) === length && shape.at(-2) === channels && length !== channels ? "channel" : "time";
    return Windows.create({ channels, length, hop: card.hop ?? length, order });
  }

  /**
   * Takes one or more samples of `channels` values and yields every window that they complete. `sequence` is the number
   * of the first one, where the sender counts: repeated samples are dropped, and after a lost one a window starts anew.
   * All samples are taken even if the caller stops looking.
   */
  push(samples: Float32Array, sequence?: bigint | number): Window[] {
    const windows: Window[] = [];
    let first = sequence === undefined ? undefined : BigInt(sequence);
    let rest = samples;
    do {
      const taken = asking(() => this.#cutter.feed(rest, first));
      if (this.#cutter.complete) windows.push({ data: this.#cutter.window(), finite: this.#cutter.finite });
      rest = rest.subarray(taken);
      if (first !== undefined) first += BigInt(taken / this.#channels);
    } while (rest.length > 0);
    return windows;
  }

  /** Forgets everything but the statistics: the sender has started again. */
  restart(): void {
    this.#cutter.restart();
  }

  get stats(): StreamStats {
    return { gaps: this.#cutter.gaps, lost: this.#cutter.lost, late: this.#cutter.late };
  }

  dispose(): void {
    this.#cutter.free();
  }
}

/** When a decision changes: a label needs `needed` of the last `of` votes, a majority. */
export interface Rule {
  needed: number;
  of: number;
  /** The score from which a new label votes. Any if not given. */
  enter?: number;
  /** The score down to which the decided label keeps voting. Any if not given. */
  leave?: number;
}

/** A decision that changed; `null` is "undecided". */
export interface Change {
  from: number | null;
  to: number | null;
}

/** Turns one label per window into decisions that do not flicker. */
export class Debounce {
  readonly #votes: Votes;

  private constructor(votes: Votes) {
    this.#votes = votes;
  }

  static async create({ needed, of, enter = -Infinity, leave = -Infinity }: Rule): Promise<Debounce> {
    await init();
    return new Debounce(asking(() => new Votes(needed, of, enter, leave)));
  }

  /** Takes a model's scores: the highest votes; none does if one is NaN. */
  scores(scores: Float32Array): Change | undefined {
    const winner = top(scores);
    return winner ? this.label(winner.label, winner.score) : this.abstain();
  }

  /** Takes the winner of a window with its score. */
  label(label: number, score: number): Change | undefined {
    return this.#vote(() => this.#votes.label(label, score));
  }

  /** Takes a window with a single score, such as an anomaly's: label 1 from the threshold on, else 0. */
  level(score: number): Change | undefined {
    return this.#vote(() => this.#votes.level(score));
  }

  /** Takes a window without an opinion. */
  abstain(): Change | undefined {
    return this.#vote(() => this.#votes.abstain());
  }

  /** What is decided. */
  get decided(): number | null {
    return this.#votes.decided ?? null;
  }

  dispose(): void {
    this.#votes.free();
  }

  #vote(cast: () => boolean): Change | undefined {
    const from = this.decided;
    return cast() ? { from, to: this.decided } : undefined;
  }
}

/** The label that won. */
export interface Top {
  label: number;
  score: number;
  /** By how much it won. */
  margin: number;
}

/** The highest score; `undefined` if there are none or one is NaN. Needs `init`, which every opened model has done. */
export function top(scores: Float32Array): Top | undefined {
  const found = topOf(scores);
  if (!found) return undefined;
  const { label, score, margin } = found;
  found.free();
  return { label, score, margin };
}
