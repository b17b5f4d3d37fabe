// A recorded stream, played sample by sample into the windows that a model looks at.

import { Windows } from "mote-web/slim";
import { LitElement, type PropertyValues, css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Trace } from "./plot";
import { FeedEvent, type Series } from "./feeding";
import type { Recording } from "./recording";
import { controls } from "./styles";

/** Samples a second where a recording has no column of times. */
const RATE = 25;
/** Times the recorded speed. */
const SPEEDS = [1, 4, 16];
/** Windows' lengths that the plot shows. */
const SHOWN = 3;

@customElement("mote-series")
export class SeriesFeed extends LitElement {
  static override styles = [
    controls,
    css`
      mote-plot {
        width: 100%;
      }
    `,
  ];

  @property({ attribute: false }) shape!: Series;
  @property() name = "";
  @property({ attribute: false }) recording: Recording | null = null;
  @state() private at = 0;
  @state() private playing = false;
  @state() private speed = 4;
  @state() private window: readonly [number, number] | null = null;

  #windows: Windows | null = null;
  #ready: Promise<void> = Promise.resolve();
  #timer = 0;
  /** Samples that should have been played and were not yet. */
  #due = 0;
  #last = 0;
  /** The address of the page asks to play at this speed, and to go on when a new version takes the old one's place. */
  readonly #asked = Number(new URLSearchParams(location.hash.slice(1)).get("play"));

  override connectedCallback(): void {
    super.connectedCallback();
    // Half of the page's code, for those who look at streams. Without it a stream is played all the same.
    import("./plot").catch(() => undefined);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
    this.#windows?.dispose();
    this.#windows = null;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("shape")) this.#ready = this.#cut(this.shape);
    if (changed.has("recording")) this.#restart();
  }

  override updated(changed: PropertyValues<this>): void {
    if (!SPEEDS.includes(this.#asked) || !(changed.has("shape") || changed.has("recording"))) return;
    this.speed = this.#asked;
    void this.#ready.then(() => {
      if (!this.playing && this.recording?.rows.length) this.#toggle();
    });
  }

  override render() {
    const { channels, length, hop } = this.shape;
    const rows = this.recording?.rows.length ?? 0;
    if (rows === 0) {
      return html`<p>
        Windows of ${length} samples of ${channels} ${channels === 1 ? "channel" : "channels"}, one every ${hop}. Choose a
        CSV of recorded samples above to play it.
      </p>`;
    }
    return html`
      <p class="muted">Windows of ${length} samples, one every ${hop}; sample ${this.at} of ${rows}.</p>
      <div class="row">
        <button type="button" data-testid="series-next" @click=${this.#nextWindow}>Next window</button>
        <button type="button" data-testid="series-play" aria-pressed=${this.playing} @click=${this.#toggle}>
          ${this.playing ? "Pause" : "Play"}
        </button>
        <button type="button" @click=${this.#rewind}>Rewind</button>
        <div class="field">
          <label for="speed">Speed</label>
          <select id="speed" @change=${this.#sped}>
            ${SPEEDS.map((speed) => html`<option value=${speed} .selected=${speed === this.speed}>${speed} times</option>`)}
          </select>
        </div>
      </div>
      <mote-plot .names=${this.#names} .trace=${this.#trace()} .timesAre=${this.recording?.period ? "s" : "sample"}></mote-plot>
    `;
  }

  get #names(): readonly string[] {
    return Array.from({ length: this.shape.channels }, (_, at) => this.recording?.names[at] || `${this.name} ${at + 1}`);
  }

  #trace(): Trace {
    const rows = this.recording?.rows ?? [];
    const from = Math.max(0, this.at - SHOWN * this.shape.length);
    const shown = rows.slice(from, this.at);
    const step = this.recording?.period ?? 1;
    return {
      times: shown.map((_, row) => (from + row) * step),
      channels: Array.from({ length: this.shape.channels }, (_, channel) => shown.map((row) => row[channel] ?? 0)),
      window: this.window && [this.window[0] * step, this.window[1] * step],
    };
  }

  #toggle = () => {
    if (this.playing) return this.#stop();
    this.playing = true;
    this.#due = 0;
    this.#last = performance.now();
    this.#timer = requestAnimationFrame(this.#frame);
  };

  #stop() {
    cancelAnimationFrame(this.#timer);
    this.playing = false;
  }

  #sped = (event: Event) => {
    this.speed = Number((event.target as HTMLSelectElement).value);
  };

  #rewind = () => {
    this.#restart();
    void this.#nextWindow();
  };

  async #cut(shape: Series): Promise<void> {
    const { channels, length, hop, channelMajor } = shape;
    const windows = await Windows.create({ channels, length, hop, order: channelMajor ? "channel" : "time" });
    if (shape !== this.shape || !this.isConnected) return windows.dispose();
    this.#windows?.dispose();
    this.#windows = windows;
    this.#restart();
  }

  #restart() {
    this.#stop();
    this.#windows?.restart();
    this.at = 0;
    this.window = null;
  }

  /** Plays as many samples as their time has come. A hidden page is given no frames and so stands still. */
  #frame = (now: number) => {
    const period = this.recording?.period ?? 1 / RATE;
    // One second at most: after a pause the page goes on and does not catch up.
    this.#due += (Math.min(1000, now - this.#last) / 1000 / period) * this.speed;
    this.#last = now;
    for (; this.#due >= 1 && this.playing; this.#due -= 1) this.#play(true);
    if (this.playing) this.#timer = requestAnimationFrame(this.#frame);
  };

  #nextWindow = async () => {
    this.#stop();
    await this.#ready;
    const rows = this.recording?.rows.length ?? 0;
    for (let played = 0; played < rows; played += 1) {
      if (this.#play(false)) return;
    }
  };

  /** Plays one sample; whether it completed a window. */
  #play(live: boolean): boolean {
    const rows = this.recording?.rows ?? [];
    if (this.at >= rows.length) this.#restartAtEnd();
    const row = rows[this.at];
    if (row === undefined || this.#windows === null) return false;
    this.at += 1;
    const [window] = this.#windows.push(Float32Array.from(row));
    if (window === undefined) return false;
    this.window = [this.at - this.shape.length, this.at - 1];
    this.dispatchEvent(new FeedEvent(window.data, live));
    return true;
  }

  #restartAtEnd() {
    const playing = this.playing;
    this.#restart();
    this.playing = playing;
  }
}
