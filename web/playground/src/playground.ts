// The page: pick a model, feed it, and see this browser and the gateway answer with the same bits.

import { Keys, Model, MoteError, type Progress, type TensorCard } from "mote-web/slim";
import { LitElement, type PropertyValues, css, html } from "lit";
import { customElement, state } from "lit/decorators.js";
import "./answer";
import "./card";
import "./device";
import "./drawing";
import "./series";
import "./values";
import type { Shown } from "./answer";
import type { SwapEvent } from "./device";
import { type FeedEvent, type Feeding, columnsOf, feedingOf } from "./feeding";
import { Gateway, type Listed } from "./gateway";
import { type Recording, readRecording } from "./recording";
import { type Answered, type Here, Session, type Verdict } from "./session";
import { controls, panel } from "./styles";
import { type Inputs, fromNumbers, zeros } from "./tensor";

/** A model that can be picked. */
interface Choice {
  readonly id: string;
  readonly label: string;
  readonly listed: Listed | null;
  /** A sealed file that the user brought. */
  readonly file: File | null;
}

/** One input and what feeds it. */
interface Feeder {
  readonly tensor: TensorCard;
  readonly feeding: Feeding;
  /** Names and recorded values of its columns. */
  readonly names: readonly string[];
  readonly sample: Float64Array | null;
}

interface Fault {
  readonly message: string;
  readonly hint: string | undefined;
  readonly code: string | undefined;
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
        grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr));
        gap: 1rem;
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
      progress {
        width: 100%;
      }
    `,
  ];

  @state() private gateway: Gateway | null = null;
  /** The gateway's keys and those that the user brought. */
  @state() private keys: Keys | null = null;
  @state() private choices: readonly Choice[] = [];
  @state() private chosen: Choice | null = null;
  @state() private session: Session | null = null;
  @state() private recording: Recording | null = null;
  /** Row of the recording that is shown, where rows are inputs. */
  @state() private row = 0;
  @state() private fault: Fault | null = null;
  @state() private progress: Progress | null = null;
  @state() private here: Here | null = null;
  @state() private there: Answered | null = null;
  @state() private verdict: Verdict | null = null;
  @state() private looked = false;

  /** Public keys that the user brought. */
  #keyFiles: Uint8Array[] = [];
  #inputs: Inputs = {};
  #feeders: readonly Feeder[] = [];
  #ink = 1;
  #opening = new AbortController();
  /** Whether the gateway is being asked; live feeds do not wait for it. */
  #asking = false;

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    this.gateway = await Gateway.find(document.baseURI);
    this.#gatherKeys();
    this.choices = (this.gateway?.site.models ?? []).map((listed) => ({ id: `gateway ${listed.name}`, label: listed.name, listed, file: null }));
    this.looked = true;
    const wanted = new URLSearchParams(location.hash.slice(1)).get("model");
    const first = this.choices.find(({ label }) => label === wanted) ?? this.choices.find(({ listed }) => listed?.browser);
    if (first) await this.#choose(first);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#opening.abort();
    this.session?.close();
    this.session = null;
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
      ${this.#alert()} ${this.#models()}
      ${this.session ? html`<div class="halves">${this.#feed()} ${this.#answers(this.session)}</div>` : null}
      <mote-device
        .gateway=${this.gateway}
        .keys=${this.keys}
        .model=${this.session?.model.release.model ?? ""}
        @swap=${this.#swapped}
      ></mote-device>
    `;
  }

  #standing(): string {
    if (!this.looked) return "Looking for a gateway.";
    if (this.gateway === null) {
      return "No gateway stands behind this page. Models come from files that you choose, and there is nothing to compare answers with.";
    }
    const { device, fleet } = this.gateway.site;
    return `Served by gateway ${device} of fleet ${fleet}.`;
  }

  #alert() {
    return html`
      <div role="alert">
        ${this.fault &&
        html`<div class="alert" data-testid="error" data-code=${this.fault.code ?? ""}>
          <strong>Refused.</strong> ${this.fault.message}${this.fault.hint ? html` <span>(${this.fault.hint})</span>` : null}
        </div>`}
      </div>
    `;
  }

  #models() {
    const option = (choice: Choice) => html`<option value=${choice.id} .selected=${choice === this.chosen}>${choice.label}</option>`;
    return html`
      <section aria-labelledby="models">
        <h2 id="models">Model</h2>
        <div class="row">
          <div class="field">
            <label for="model">Model</label>
            <select id="model" data-testid="model-select" ?disabled=${this.choices.length === 0} @change=${this.#picked}>
              ${this.choices.length === 0 ? html`<option>none yet</option>` : null} ${this.choices.map(option)}
            </select>
          </div>
          <div class="field">
            <label for="file">Sealed model from a file (.mote)</label>
            <input id="file" type="file" accept=".mote" data-testid="model-file" @change=${this.#modelFile} />
          </div>
          <div class="field">
            <label for="keys">Public keys from a file (.pub)</label>
            <input id="keys" type="file" multiple data-testid="keys-file" @change=${this.#keyFile} />
          </div>
        </div>
        ${this.progress ? this.#loading(this.progress) : null}
        ${this.session
          ? html`<mote-card .model=${this.session.model} .bytes=${this.chosen?.listed?.browser?.bytes ?? this.chosen?.file?.size ?? 0}></mote-card>`
          : null}
      </section>
    `;
  }

  #loading({ source, loaded, total }: Progress) {
    const text = `${loaded.toLocaleString("en")}${total ? ` of ${total.toLocaleString("en")}` : ""} bytes from the ${source}`;
    return html`<progress aria-label="Loading: ${text}" max=${total ?? 1} .value=${total ? loaded : 0}></progress>`;
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
        ${this.#mark()}
        <div class="halves">
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
            .remark=${this.gateway === null ? "No gateway to ask." : ""}
          ></mote-answer>
        </div>
      </section>
    `;
  }

  #mark() {
    const verdict = this.verdict;
    if (verdict === null) return null;
    if (verdict.kind === "none") return html`<p class="mark" role="status" data-testid="same-bits" data-same="none">${verdict.why}</p>`;
    const { same, different, unsaid } = verdict.sum;
    const total = same + different + unsaid;
    const rest = unsaid > 0 ? ` JSON cannot say ${unsaid} of them, which are not compared.` : "";
    const text = verdict.kind === "same" ? `\u2713 Same bits: ${same} of ${total} values.` : `\u2717 Different bits: ${different} of ${total} values.`;
    return html`<p class="mark" role="status" data-testid="same-bits" data-same=${verdict.kind === "same"}>${text}${rest}</p>`;
  }

  #tensors() {
    return this.session?.model.card.entries[this.session.entry]?.inputs ?? [];
  }

  /** What is fed and by what; state is the model's own affair. A feeder whose input stays as it is goes on as it is. */
  #layOut(): void {
    const { card } = this.session?.model ?? {};
    const state = new Set(card?.state?.map(({ input }) => input));
    const before = this.#feeders;
    let from = 0;
    this.#feeders = this.#tensors().flatMap((tensor, at) => {
      if (!card || state.has(tensor.name)) return [];
      const now = feedingOf(tensor, card);
      const old = before[at]?.feeding;
      const feeding = JSON.stringify(old) === JSON.stringify(now) && old ? old : now;
      const start = from;
      from += columnsOf(feeding);
      const sample = this.recording?.rows[this.row]?.subarray(start, from) ?? null;
      return [{ tensor, feeding, sample, names: this.recording?.names.slice(start, from) ?? [] }];
    });
    // Full ink is the largest recorded value.
    this.#ink = this.recording?.rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0) || 1;
  }

  #gatherKeys(): void {
    const texts = [...(this.gateway ? [this.gateway.keys] : []), ...this.#keyFiles];
    this.keys = texts.length > 0 ? Keys.from(texts) : null;
  }

  #picked = (event: Event) => {
    const choice = this.choices.find(({ id }) => id === (event.target as HTMLSelectElement).value);
    if (choice) void this.#choose(choice);
  };

  #modelFile = (event: Event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (!file) return;
    const choice: Choice = { id: `file ${file.name} ${file.lastModified}`, label: `${file.name} (file)`, listed: null, file };
    this.choices = [...this.choices.filter(({ id }) => id !== choice.id), choice];
    void this.#choose(choice);
  };

  #keyFile = async (event: Event) => {
    const files = [...((event.target as HTMLInputElement).files ?? [])];
    await this.#guarded(async () => {
      this.#keyFiles = await Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())));
      this.#gatherKeys();
      // The model may have waited for its key.
      if (this.chosen?.file && this.session === null) await this.#choose(this.chosen);
    });
  };

  async #choose(choice: Choice): Promise<void> {
    this.#opening.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.chosen = choice;
    this.fault = null;
    this.#leave();
    await this.#guarded(async () => {
      const model = await this.#open(choice, opening.signal);
      if (opening.signal.aborted) return model.dispose();
      const text = choice.listed?.samples ? await this.gateway?.samples(choice.listed.name) : undefined;
      if (opening.signal.aborted) return model.dispose();
      this.#enter(new Session(model, choice.listed?.gateway ? this.gateway : null, "page"));
      // The feeders say how many columns a recording has.
      this.#layOut();
      if (text !== undefined) this.#record(text);
    });
    if (!opening.signal.aborted) this.progress = null;
  }

  async #open(choice: Choice, signal: AbortSignal): Promise<Model> {
    const keys = this.keys;
    if (keys === null) {
      throw new MoteError("key.none", `No key vouches for ${choice.label} yet.`, "choose the publisher's public key file as well");
    }
    const onProgress = (progress: Progress) => {
      if (!signal.aborted) this.progress = progress;
    };
    if (choice.file) return Model.open(await choice.file.arrayBuffer(), keys, { cache: false, signal, onProgress });
    const name = choice.listed?.name ?? "";
    if (!choice.listed?.browser || !this.gateway) {
      throw new MoteError("gateway.no-file", `The gateway holds no file of ${name} for pages.`, "put the release's browser file beside the gateway's");
    }
    return Model.open(this.gateway.file(name), keys, { model: name, signal, onProgress });
  }

  #leave(): void {
    this.session?.close();
    this.session = this.recording = this.here = this.there = this.verdict = this.progress = null;
  }

  #enter(session: Session): void {
    this.session = session;
    this.fault = null;
    this.row = 0;
    this.#inputs = Object.fromEntries(this.#tensors().map((tensor) => [tensor.name, zeros(tensor)]));
  }

  /**
   * The device panel has another model of this name: it takes the place of the one that runs here, without a reload. When
   * the device ends, its models end, and the page opens its own again.
   */
  #swapped = ({ detail: { model } }: SwapEvent) => {
    const session = this.session;
    if (model === null) {
      if (session?.keeper === "device" && this.chosen) void this.#choose(this.chosen);
      return;
    }
    if (session?.model.release.model !== model.release.model) return;
    session.close();
    const inputs = this.#inputs;
    const { row } = this;
    this.#enter(new Session(model, session.gateway, "device"));
    this.row = row;
    this.#inputs = { ...this.#inputs, ...inputs };
    void this.#predict(false);
  };

  #csvFile = async (event: Event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (file) await this.#guarded(async () => this.#record(await file.text()));
  };

  #record(text: string): void {
    this.recording = readRecording(text, this.#feeders.reduce((sum, { feeding }) => sum + columnsOf(feeding), 0));
    this.row = 0;
    this.fault = null;
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
    await this.#guarded(async () => {
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
    });
  }

  /** Shows what fails, unless it was given up on purpose. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      this.fault = {
        message: error instanceof Error ? error.message : String(error),
        hint: error instanceof MoteError ? error.hint : undefined,
        code: error instanceof MoteError ? error.code : undefined,
      };
    }
  }
}
