// Numbers one by one: a field each while they are few, else a text of separated numbers.

import { LitElement, type PropertyValues, css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { FeedEvent } from "./feeding";
import { controls } from "./styles";

const MOST_FIELDS = 64;

@customElement("mote-values")
export class ValuesForm extends LitElement {
  static override styles = [
    controls,
    css`
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
        gap: 0.5rem;
      }
      .fields input,
      textarea {
        width: 100%;
      }
    `,
  ];

  @property({ type: Number }) count = 0;
  @property() name = "";
  /** Names of the numbers, from a recording. */
  @property({ attribute: false }) names: readonly string[] = [];
  /** Recorded values to start from. */
  @property({ attribute: false }) sample: ArrayLike<number> | null = null;
  @state() private complaint = "";

  #values = new Float64Array(0);

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("count") && this.#values.length !== this.count) this.#values = new Float64Array(this.count);
    if (changed.has("sample") && this.sample !== null) this.#values = Float64Array.from({ length: this.count }, (_, i) => this.sample?.[i] ?? 0);
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("count") || changed.has("sample")) this.#send();
  }

  override render() {
    return html`
      ${this.count <= MOST_FIELDS ? this.#fields() : this.#text()}
      ${this.complaint ? html`<p role="alert">${this.complaint}</p>` : null}
    `;
  }

  #fields() {
    const field = (value: number, at: number) => html`
      <div class="field">
        <label for="value-${at}">${this.names[at] || `${this.name}[${at}]`}</label>
        <input id="value-${at}" data-testid="value-${at}" inputmode="decimal" .value=${String(value)} @change=${(event: Event) => this.#changed(event, at)} />
      </div>
    `;
    return html`<div class="fields">${Array.from(this.#values, field)}</div>`;
  }

  #text() {
    return html`
      <label for="all">${this.count} numbers, separated by commas or spaces</label>
      <textarea id="all" data-testid="values" rows="6" .value=${Array.from(this.#values, (value) => String(value)).join(", ")} @change=${this.#typed}></textarea>
    `;
  }

  #changed(event: Event, at: number) {
    const field = event.target as HTMLInputElement;
    const value = Number(field.value.trim().replace(",", "."));
    if (field.value.trim() === "" || Number.isNaN(value)) {
      this.complaint = `"${field.value}" is not a number; ${this.names[at] || `${this.name}[${at}]`} stays ${this.#values[at]}.`;
      field.value = String(this.#values[at]);
      return;
    }
    this.complaint = "";
    this.#values[at] = value;
    this.#send();
  }

  #typed = (event: Event) => {
    const numbers = (event.target as HTMLTextAreaElement).value.split(/[\s,;]+/).filter(Boolean).map(Number);
    const wrong = numbers.findIndex(Number.isNaN);
    if (wrong >= 0 || numbers.length !== this.count) {
      this.complaint = wrong >= 0 ? `Number ${wrong + 1} is none.` : `${numbers.length} numbers are given, the input takes ${this.count}.`;
      return;
    }
    this.complaint = "";
    this.#values = Float64Array.from(numbers);
    this.#send();
  };

  #send() {
    this.dispatchEvent(new FeedEvent(this.#values.slice()));
  }
}
