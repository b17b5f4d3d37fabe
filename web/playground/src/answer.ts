// One place's answer: the winner, the values, how long it took.

import type { Card, TypedArray } from "mote-web/slim";
import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { controls } from "./styles";
import { bits } from "./tensor";

const MOST_VALUES = 32;

/** An output to show; `bits` where the place is this page, which has them. */
export interface Shown {
  readonly name: string;
  readonly values: ArrayLike<number | bigint | boolean | null>;
  readonly typed: TypedArray | null;
}

@customElement("mote-answer")
export class AnswerView extends LitElement {
  static override styles = [
    controls,
    css`
      .winner {
        font-size: 1.3rem;
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      ul {
        list-style: none;
        margin: 0 0 0.5rem;
        padding: 0;
      }
      li {
        display: grid;
        grid-template-columns: minmax(2rem, 2fr) minmax(1.5rem, 1fr) 6.5rem;
        gap: 0.5rem;
        align-items: center;
        font-size: 0.9rem;
      }
      li span {
        overflow-wrap: anywhere;
      }
      li .number {
        text-align: right;
      }
      meter {
        width: 100%;
      }
    `,
  ];

  @property() place: "local" | "gateway" = "local";
  @property() heading = "";
  @property({ attribute: false }) card!: Card;
  @property({ attribute: false }) outputs: readonly Shown[] = [];
  @property() latency = "";
  @property() version = "";
  /** Said in place of an answer. */
  @property() remark = "";

  override render() {
    const first = this.outputs[0];
    const typed = first?.typed ?? null;
    return html`
      <div data-testid="${this.place}-result" data-version=${this.version} data-bits=${typed ? bits(typed) : nothing}>
        <h3>${this.heading}</h3>
        ${this.remark ? html`<p>${this.remark}</p>` : null}
        ${first ? html`<p class="winner" data-testid="${this.place}-winner">${this.#winner(first)}</p>` : null}
        ${this.outputs.map((output, at) => this.#values(output, at === 0))}
        <p class="muted">
          ${this.version ? html`<span data-testid="${this.place}-version">version ${this.version}</span>, ` : null}
          <span data-testid="${this.place}-latency">${this.latency}</span>
        </p>
      </div>
    `;
  }

  /** The label with the highest score, or the one value. */
  #winner({ values }: Shown): string {
    const { labels, threshold } = this.card;
    if (labels?.length && labels.length === values.length) {
      let best = 0;
      for (let at = 1; at < values.length; at += 1) if (Number(values[at]) > Number(values[best])) best = at;
      return labels[best] ?? "";
    }
    if (values.length !== 1) return "";
    const score = Number(values[0]);
    const side = threshold === undefined ? "" : score >= threshold ? `, at or above the threshold of ${threshold}` : `, below the threshold of ${threshold}`;
    return `${show(values[0])}${side}`;
  }

  #values({ name, values }: Shown, labelled: boolean) {
    const shown = Array.from({ length: Math.min(values.length, MOST_VALUES) }, (_, at) => values[at] ?? null);
    const parts = shown.every((value) => typeof value === "number" && value >= 0 && value <= 1);
    const label = (at: number) => (labelled && this.card.labels?.length === values.length ? (this.card.labels?.[at] ?? "") : `${name}[${at}]`);
    const row = (value: number | bigint | boolean | null, at: number) => html`
      <li>
        <span>${label(at)}</span>
        ${parts ? html`<meter min="0" max="1" .value=${Number(value)} aria-label=${label(at)}></meter>` : html`<span></span>`}
        <span class="number">${show(value)}</span>
      </li>
    `;
    const rest = values.length - shown.length;
    return html`<ul>${shown.map(row)}</ul>${rest > 0 ? html`<p class="muted">and ${rest} more values of ${name}</p>` : null}`;
  }
}

/** A value as the shortest decimal that reads back as the same f32, if one of nine digits does. */
function show(value: number | bigint | boolean | null | undefined): string {
  if (value === null || value === undefined) return "not said";
  if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  let short = value;
  for (let digits = 9; digits >= 1 && Math.fround(Number(value.toPrecision(digits))) === Math.fround(value); digits -= 1) {
    short = Number(value.toPrecision(digits));
  }
  const size = Math.abs(short);
  return size < 1e-3 || size >= 1e7 ? short.toExponential() : String(short);
}
