// The middle of the last answers' times.

const KEPT = 50;

export class Latencies {
  readonly #last: number[] = [];

  push(milliseconds: number): void {
    this.#last.push(milliseconds);
    if (this.#last.length > KEPT) this.#last.shift();
  }

  /** Milliseconds, or null before the first answer. */
  get p50(): number | null {
    const sorted = this.#last.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  }

  get text(): string {
    const p50 = this.p50;
    if (p50 === null) return "";
    const shown = p50 < 1 ? `${(p50 * 1000).toFixed(0)} \u00b5s` : `${p50.toFixed(p50 < 10 ? 2 : 1)} ms`;
    return `${shown} (p50 of ${this.#last.length})`;
  }
}
