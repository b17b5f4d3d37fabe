// What a model says of itself, and who vouches for it.

import type { Model, TensorCard } from "mote-web/slim";
import { LitElement, css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { controls } from "./styles";
import { singleEntry } from "./tensor";

@customElement("mote-card")
export class CardView extends LitElement {
  static override styles = [
    controls,
    css`
      dl {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: 0.2rem 1rem;
        margin: 0;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
      }
      @media (max-width: 30rem) {
        dl {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) model!: Model;
  /** Length of the sealed file or the module in bytes, where it is known. */
  @property({ type: Number }) bytes = 0;

  override render() {
    const { card, release } = this.model;
    const entry = card.entries[singleEntry(card)];
    const rows: (readonly [string, unknown, string?])[] = [
      ["Model", card.name, "card-name"],
      ["Version", String(release.version), "card-version"],
      ["Inputs", entry?.inputs.map(tensor)],
      ["Outputs", entry?.outputs.map(tensor)],
      ["Labels", card.labels?.join(", ")],
      ["Window", card.window && `${card.window} samples, one every ${card.hop ?? "?"}`],
      ["Threshold", card.threshold],
      ["State", card.state?.length ? "carried from call to call; set to zero before each prediction here" : undefined],
      ["Work", entry && `${entry.macs.toLocaleString("en")} multiply-adds, at most ${entry.ops.toLocaleString("en")} operations`],
      ["Size", this.bytes ? `${this.bytes.toLocaleString("en")} bytes; ${(card.memory.pages * 64).toLocaleString("en")} KiB of memory` : undefined],
      ["Code", `${card.flavour}, by ${card.compiler}`],
      ["Module", html`<code data-testid="card-digest">${release.digest}</code>`],
      ["Signed by", html`<code data-testid="card-key">${release.keyId}</code>`],
      ["Made from", html`<code>${card.source}</code>`],
    ];
    const row = ([term, text, hook]: readonly [string, unknown, string?]) =>
      text === undefined || text === "" ? null : html`<dt>${term}</dt><dd data-testid=${hook ?? `card-${term.toLowerCase().replace(" ", "-")}`}>${text}</dd>`;
    return html`<dl data-testid="card">${rows.map(row)}</dl>`;
  }
}

function tensor({ name, dtype, shape }: TensorCard) {
  return html`<div><code>${name}</code>: ${dtype} [${shape.join(", ")}]</div>`;
}
