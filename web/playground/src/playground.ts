// The page: pick a model, feed it, and see this browser and the gateway answer with the same bits.

import { type Keys, type Model, MoteError, type TensorCard } from "mote-web/slim";
import { LitElement, type PropertyValues, css, html } from "lit";
import { customElement, state } from "lit/decorators.js";
import "./answer";
import "./device";
import "./drawing";
import "./models";
import "./series";
import "./values";
import type { Shown } from "./answer";
import type { SwapEvent } from "./device";
import { type FeedEvent, type Feeding, columnsOf, feedingOf } from "./feeding";
import { Gateway } from "./gateway";
import type { ModelPicker, PickerEvents } from "./models";
import { type Recording, readRecording } from "./recording";
import { type Answered, type Here, Session, type Verdict } from "./session";
import { controls, panel } from "./styles";
import { type Inputs, fromNumbers, zeros } from "./tensor";

/** One input and what feeds it. */
interface Feeder {
  readonly tensor: TensorCard;
  readonly feeding: Feeding;
  /** Names and recorded values of its columns. */
  readonly names: readonly string[];
  readonly sample: Float64Array | null;
}

@customElement("mote-playground")
export class Playground extends LitElement {
  static override styles = [
    controls,
    panel,
    css`
      h1 {
        margin: 0 0 0.25rem;
        font-size: 1.6rem;
      }
      .alert {
        border: 2px solid var(--bad);
        border-radius: 0.5rem;
        padding: 0.75rem 1rem;
        margin-bottom: 1rem;
        overflow-wrap: anywhere;
      }
      .alert strong {
        color: var(--bad);
      }
      .halves {
        display: grid;
        column-gap: 1rem;
      }
      @media (min-width: 55rem) {
        .halves {
          grid-template-columns: 2fr 3fr;
        }
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr));
        gap: 1.5rem;
      }
      .mark {
        font-size: 1.1rem;
        font-weight: 600;
        padding: 0.4rem 0.8rem;
        border: 2px solid var(--line);
        border-radius: 0.5rem;
        margin-bottom: 0.75rem;
        overflow-wrap: anywhere;
      }
      .mark[data-same="true"] {
        color: var(--good);
        border-color: var(--good);
      }
      .mark[data-same="false"] {
        color: var(--bad);
        border-color: var(--bad);
      }
      .mark[data-same="none"] {
        font-weight: 400;
        font-size: 0.95rem;
      }
    `,
  ];

  /** Undefined while it is looked for. */
  @state() private gateway: Gateway | null | undefined = undefined;
  @state() private keys: Keys | null = null;
  @state() private session: Session | null = null;
  @state() private recording: Recording | null = null;
  /** Row of the recording that is shown, where rows are inputs. */
  @state() private row = 0;
  @state() private fault: { readonly message: string; readonly hint?: string; readonly code?: string } | null = null;
  @state() private here: Here | null = null;
  @state() private there: Answered | null = null;
  @state() private verdict: Verdict | null = null;

  #inputs: Inputs = {};
  #feeders: readonly Feeder[] = [];
  /** What a drawing pad takes for full ink. */
  #ink = 1;
  /** The device's model, which is newer than what the picker opens. */
  #fromDevice: Model | null = null;
  /** Whether the gateway is being asked; live feeds do not wait for it. */
  #asking = false;

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    this.gateway = await Gateway.find(document.baseURI);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave();
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("session") || changed.has("recording") || changed.has("row")) this.#layOut();
  }

  override render() {
    return html`
      <header>
        <h1>Mote playground</h1>
        <p class="muted" data-testid="site">${this.#standing()}</p>
      </header>
      <div role="alert">
        ${this.fault &&
        html`<div class="alert" data-testid="error" data-code=${this.fault.code ?? ""}>
          <strong>Refused:</strong> ${this.fault.message}${this.fault.hint ? ` (${this.fault.hint})` : null}
        </div>`}
      </div>
      <mote-models
        .gateway=${this.gateway}
        .model=${this.session?.model ?? null}
        @left=${this.#leave}
        @opened=${this.#opened}
        @keyed=${(event: PickerEvents["keyed"]) => (this.keys = event.detail)}
        @failed=${(event: PickerEvents["failed"]) => this.#fail(event.detail)}
      ></mote-models>
      ${this.session ? html`<div class="halves">${this.#feed()} ${this.#answers(this.session)}</div>` : null}
      <mote-device
        .gateway=${this.gateway ?? null}
        .keys=${this.keys}
        .model=${this.session?.model.release.model ?? ""}
        @swap=${this.#swapped}
      ></mote-device>
    `;
  }

  #standing(): string {
    if (this.gateway === undefined) return "Looking for a gateway.";
    if (this.gateway === null) {
      return "No gateway stands behind this page. Models come from files that you choose, and there is nothing to compare answers with.";
    }
    const { device, fleet } = this.gateway.site;
    return `Served by gateway ${device} of fleet ${fleet}.`;
  }

  #feed() {
    const rows = this.recording?.rows.length ?? 0;
    const isSeries = this.#feeders.some(({ feeding }) => feeding.kind === "series");
    return html`
      <section aria-labelledby="input" data-testid="feeder" data-kind=${this.#feeders.map(({ feeding }) => feeding.kind).join(" ")}>
        <h2 id="input">Input</h2>
        <div class="row">
          <div class="field">
            <label for="csv">Recorded ${isSeries ? "samples" : "inputs"} from a file (.csv)</label>
            <input id="csv" type="file" accept=".csv,text/csv" data-testid="csv-file" @change=${this.#csvFile} />
          </div>
          ${rows > 0 && !isSeries
            ? html`<div class="field">
                <label for="row">Recorded input, 1 to ${rows}</label>
                <input id="row" type="number" min="1" max=${rows} data-testid="row" .value=${String(this.row + 1)} @change=${this.#rowPicked} />
              </div>`
            : null}
        </div>
        ${this.#feeders.map((feeder) => this.#feeder(feeder))}
      </section>
    `;
  }

  #feeder({ tensor: { name }, feeding, names, sample }: Feeder) {
    const feed = (event: FeedEvent) => this.#fed(name, event);
    switch (feeding.kind) {
      case "picture":
        return html`<mote-drawing .shape=${feeding} .name=${name} .sample=${sample} .ink=${this.#ink} @feed=${feed}></mote-drawing>`;
      case "series":
        return html`<mote-series .shape=${feeding} .name=${name} .recording=${this.recording} @feed=${feed}></mote-series>`;
      case "values":
        return html`<mote-values .count=${feeding.count} .name=${name} .names=${names} .sample=${sample} @feed=${feed}></mote-values>`;
    }
  }

  #answers(session: Session) {
    const { card } = session.model;
    const here = Object.entries(this.here?.outputs ?? {}).map(([name, { data }]): Shown => ({ name, values: data, typed: data }));
    const there = [...(this.there?.outputs ?? [])].map(([name, values]): Shown => ({ name, values, typed: null }));
    return html`
      <section aria-labelledby="answer">
        <h2 id="answer">Answer</h2>
        <div class="row"><button type="button" class="main" data-testid="predict" @click=${() => this.#predict(false)}>Predict</button></div>
        ${this.verdict ? mark(this.verdict) : null}
        <div class="pair">
          <mote-answer
            place="local"
            heading="This page"
            .card=${card}
            .outputs=${here}
            .latency=${session.hereTimes.text}
            .version=${this.here ? String(this.here.version) : ""}
          ></mote-answer>
          <mote-answer
            place="gateway"
            heading="Gateway"
            .card=${card}
            .outputs=${there}
            .latency=${session.thereTimes.text}
            .version=${this.there?.version ?? ""}
            .remark=${session.gateway === null ? "No gateway to ask." : ""}
          ></mote-answer>
        </div>
      </section>
    `;
  }

  #tensors(): readonly TensorCard[] {
    return this.session?.model.card.entries[this.session.entry]?.inputs ?? [];
  }

  /** What is fed and by what; state is the model's own affair. A feeder whose input stays as it is goes on as it is. */
  #layOut(): void {
    const card = this.session?.model.card;
    const state = new Set(card?.state?.map(({ input }) => input));
    const before = this.#feeders;
    let from = 0;
    this.#feeders = this.#tensors().flatMap((tensor, at) => {
      if (!card || state.has(tensor.name)) return [];
      const now = feedingOf(tensor, card);
      const old = before[at]?.feeding;
      const feeding = old && JSON.stringify(old) === JSON.stringify(now) ? old : now;
      const start = from;
      from += columnsOf(feeding);
      const sample = this.recording?.rows[this.row]?.subarray(start, from) ?? null;
      return [{ tensor, feeding, sample, names: this.recording?.names.slice(start, from) ?? [] }];
    });
    // Full ink is the largest recorded value.
    this.#ink = this.recording?.rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0) || 1;
  }

  #leave = () => {
    this.session?.close();
    this.session = this.recording = this.here = this.there = this.verdict = this.fault = null;
    this.#feeders = [];
  };

  #opened = ({ detail: { model, samples } }: PickerEvents["opened"]) => {
    const newer = this.#fromDevice;
    if (newer?.release.model === model.release.model) {
      model.dispose();
      this.#enter(newer, "device");
    } else {
      this.#enter(model, "page");
    }
    this.row = 0;
    // The feeders say how many columns a recording has.
    this.#layOut();
    if (samples !== null) this.#record(samples);
  };

  #enter(model: Model, keeper: "page" | "device"): void {
    const { model: name } = model.release;
    const answers = this.gateway?.site.models.some((listed) => listed.name === name && listed.gateway);
    this.session = new Session(model, answers ? (this.gateway ?? null) : null, keeper);
    this.#inputs = Object.fromEntries(this.#tensors().map((tensor) => [tensor.name, zeros(tensor)]));
  }

  /**
   * The device panel has another model: it takes the place of the one of its name that runs here, without a reload. When
   * the device ends, its models end, and the page opens its own again.
   */
  #swapped = ({ detail: { model } }: SwapEvent) => {
    this.#fromDevice = model;
    const session = this.session;
    if (model === null) {
      if (session?.keeper === "device") this.renderRoot.querySelector<ModelPicker>("mote-models")?.reopen();
      return;
    }
    if (session && session.model.release.model !== model.release.model) return;
    session?.close();
    const before = this.#inputs;
    this.#enter(model, "device");
    for (const [name, array] of Object.entries(this.#inputs)) {
      const old = before[name];
      if (old?.constructor === array.constructor && old.length === array.length) this.#inputs[name] = old;
    }
    void this.#predict(false);
  };

  #csvFile = async (event: Event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (file) this.#record(await file.text());
  };

  #record(text: string): void {
    try {
      this.recording = readRecording(text, this.#feeders.reduce((sum, { feeding }) => sum + columnsOf(feeding), 0));
      this.row = 0;
      this.fault = null;
    } catch (error) {
      this.#fail(error);
    }
  }

  #rowPicked = (event: Event) => {
    const row = (event.target as HTMLInputElement).valueAsNumber - 1;
    this.row = Math.min(Math.max(0, row || 0), (this.recording?.rows.length ?? 1) - 1);
  };

  #fed(name: string, event: FeedEvent): void {
    const tensor = this.#tensors().find((tensor) => tensor.name === name);
    if (!tensor) return;
    this.#inputs = { ...this.#inputs, [name]: fromNumbers(tensor, event.detail.values) };
    void this.#predict(event.detail.live);
  }

  async #predict(live: boolean): Promise<void> {
    const session = this.session;
    if (session === null) return;
    const inputs = this.#inputs;
    try {
      const here = session.here(inputs);
      this.here = here;
      this.fault = null;
      // A stream does not wait for the network: windows that come meanwhile are answered here alone.
      if (live && this.#asking) return;
      this.there = this.verdict = null;
      this.#asking = true;
      const there = await session.there(inputs).finally(() => (this.#asking = false));
      // Another input, or another model, may have come meanwhile.
      if (session !== this.session || (inputs !== this.#inputs && !live)) return;
      this.here = here;
      this.there = there.kind === "answer" ? there : null;
      this.verdict = session.verdict(here, there);
    } catch (error) {
      if (session === this.session) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (error instanceof MoteError) {
      const { message, hint, code } = error;
      this.fault = { message, code, ...(hint && { hint }) };
    } else {
      this.fault = { message: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** Says whether the bits are the same, or why that cannot be said. */
function mark(verdict: Verdict) {
  if (verdict.kind === "none") return html`<p class="mark" role="status" data-testid="same-bits" data-same="none">${verdict.why}</p>`;
  const { same, different, unsaid } = verdict.sum;
  const total = same + different + unsaid;
  const rest = unsaid > 0 ? ` JSON cannot say ${unsaid} of them, which are not compared.` : "";
  const text = verdict.kind === "same" ? `\u2713 Same bits: ${same} of ${total} values.` : `\u2717 Different bits: ${different} of ${total} values.`;
  return html`<p class="mark" role="status" data-testid="same-bits" data-same=${verdict.kind === "same"}>${text}${rest}</p>`;
}
