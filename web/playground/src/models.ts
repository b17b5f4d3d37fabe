// Which model: from the gateway or from a file, opened with the keys that vouch for it.

import { Keys, Model, MoteError, type Progress } from "mote-web/slim";
import { LitElement, type PropertyValues, css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import "./card";
import type { Gateway, Listed } from "./gateway";
import { controls, panel } from "./styles";

/** A model that can be picked. */
interface Choice {
  readonly id: string;
  readonly label: string;
  /** Null for a sealed file that the user brought. */
  readonly listed: Listed | null;
  readonly file: File | null;
}

/** What the picker tells the page. */
export interface PickerEvents {
  /** The model that was open is not wanted any more. */
  left: CustomEvent<null>;
  /** A verified model, and the recording that the gateway has of it. It is the page's to dispose of. */
  opened: CustomEvent<{ readonly model: Model; readonly samples: string | null }>;
  /** The keys that vouch from here on. */
  keyed: CustomEvent<Keys | null>;
  failed: CustomEvent<unknown>;
}

@customElement("mote-models")
export class ModelPicker extends LitElement {
  static override styles = [
    controls,
    panel,
    css`
      progress {
        width: 100%;
      }
    `,
  ];

  /** Null where there is none, undefined while it is looked for. */
  @property({ attribute: false }) gateway: Gateway | null | undefined = undefined;
  /** The model that answers, which may be newer than the one that was opened here. */
  @property({ attribute: false }) model: Model | null = null;
  @state() private choices: readonly Choice[] = [];
  @state() private chosen: Choice | null = null;
  @state() private progress: Progress | null = null;

  #keys: Keys | null = null;
  #opening = new AbortController();

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#opening.abort();
  }

  override updated(changed: PropertyValues<this>): void {
    if (!changed.has("gateway") || !this.gateway) return;
    this.choices = this.gateway.site.models.map((listed) => ({ id: `gateway ${listed.name}`, label: listed.name, listed, file: null }));
    this.#vouch([]);
    const wanted = new URLSearchParams(location.hash.slice(1)).get("model");
    const first = this.choices.find(({ label }) => label === wanted) ?? this.choices.find(({ listed }) => listed?.browser);
    if (first) void this.#choose(first);
  }

  /** Opens the chosen model once more. */
  reopen(): void {
    if (this.chosen) void this.#choose(this.chosen);
  }

  override render() {
    const option = (choice: Choice) => html`<option value=${choice.id} .selected=${choice === this.chosen}>${choice.label}</option>`;
    const none = this.choices.length === 0;
    return html`
      <section aria-labelledby="models">
        <h2 id="models">Model</h2>
        <div class="row">
          <div class="field">
            <label for="model">Model</label>
            <select id="model" data-testid="model-select" ?disabled=${none} @change=${this.#picked}>
              ${none ? html`<option>none yet</option>` : null} ${this.choices.map(option)}
            </select>
          </div>
          <div class="field">
            <label for="file">Sealed model from a file (.mote)</label>
            <input id="file" type="file" accept=".mote" data-testid="model-file" @change=${this.#modelFile} />
          </div>
          <div class="field">
            <label for="keys">Public keys from a file (.pub)</label>
            <input id="keys" type="file" multiple data-testid="keys-file" @change=${this.#keyFiles} />
          </div>
        </div>
        ${this.progress ? this.#loading(this.progress) : null}
        ${this.model ? html`<mote-card .model=${this.model} .bytes=${this.chosen?.listed?.browser?.bytes ?? this.chosen?.file?.size ?? 0}></mote-card>` : null}
      </section>
    `;
  }

  #loading({ source, loaded, total }: Progress) {
    const text = `${loaded.toLocaleString("en")}${total ? ` of ${total.toLocaleString("en")}` : ""} bytes from the ${source}`;
    return html`<progress aria-label="Loading: ${text}" max=${total ?? 1} .value=${total ? loaded : 0}></progress>`;
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

  #keyFiles = async (event: Event) => {
    const files = [...((event.target as HTMLInputElement).files ?? [])];
    try {
      this.#vouch(await Promise.all(files.map((file) => file.text())));
    } catch (error) {
      return this.#tell("failed", error);
    }
    // A model from a file may have waited for its key.
    if (this.chosen?.file && this.model === null) this.reopen();
  };

  /** The gateway's keys and those that the user brought. */
  #vouch(brought: readonly string[]): void {
    const texts = [...(this.gateway ? [this.gateway.keys] : []), ...brought];
    this.#keys = texts.length > 0 ? Keys.from(texts) : null;
    this.#tell("keyed", this.#keys);
  }

  async #choose(choice: Choice): Promise<void> {
    this.#opening.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.chosen = choice;
    this.progress = null;
    this.#tell("left", null);
    try {
      const model = await this.#open(choice, opening.signal);
      const samples = choice.listed?.samples && this.gateway ? await this.gateway.samples(choice.listed.name).catch(() => null) : null;
      if (opening.signal.aborted) return model.dispose();
      this.#tell("opened", { model, samples });
    } catch (error) {
      if (!opening.signal.aborted) this.#tell("failed", error);
    }
    if (!opening.signal.aborted) this.progress = null;
  }

  async #open(choice: Choice, signal: AbortSignal): Promise<Model> {
    const keys = this.#keys;
    if (keys === null) {
      throw new MoteError("key.none", `no key vouches for ${choice.label} yet`, "choose the publisher's public key file as well");
    }
    const onProgress = (progress: Progress) => {
      if (!signal.aborted) this.progress = progress;
    };
    if (choice.file) return Model.open(await choice.file.arrayBuffer(), keys, { cache: false, signal, onProgress });
    const model = choice.listed?.name ?? "";
    if (!choice.listed?.browser || !this.gateway) {
      throw new MoteError("gateway.no-file", `the gateway holds no file of ${model} for pages`, "put the release's browser file beside the gateway's");
    }
    return Model.open(this.gateway.file(model), keys, { model, signal, onProgress });
  }

  #tell<E extends keyof PickerEvents>(event: E, detail: PickerEvents[E]["detail"]): void {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}
