// A pad to draw the picture that a model looks at.
//
// A pixel is drawn at a finer grain and its value is the part of it that the pen covered: this is how recorded digits
// of few pixels were made from scans, and what an anti-aliased picture is.

import { image } from "mote-web/slim";
import { LitElement, type PropertyValues, css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { FeedEvent, type Picture } from "./feeding";
import { controls } from "./styles";

/** The drawing is at least this many cells wide. */
const CELLS = 32;
/** The pen's radius, as part of the width. */
const PEN = 1 / 22;

@customElement("mote-drawing")
export class Drawing extends LitElement {
  static override styles = [
    controls,
    css`
      canvas {
        display: block;
        width: min(16rem, 100%);
        aspect-ratio: 1;
        border: 1px solid var(--line);
        border-radius: 0.3rem;
        touch-action: none;
        cursor: crosshair;
        image-rendering: pixelated;
      }
      input[type="number"] {
        width: 6rem;
      }
    `,
  ];

  @property({ attribute: false }) shape!: Picture;
  @property() name = "";
  /** Values in the order of the input, from a recording; shown and drawn upon. */
  @property({ attribute: false }) sample: ArrayLike<number> | null = null;
  /** The value of a pixel that the pen covers whole. */
  @property({ type: Number }) ink = 1;
  @state() private cursor: { readonly x: number; readonly y: number } | null = null;

  /** Cells per pixel, in each direction. */
  #grain = 1;
  /** Per cell, how much of it is covered, 0 to 1. */
  #cells = new Float32Array(0);
  /** A recording that has not been drawn upon is sent as it is; covers have no values below 0 or beyond full ink. */
  #exact: Float32Array | null = null;
  #pen: { x: number; y: number } | null = null;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("shape")) {
      this.#grain = Math.max(1, Math.floor(CELLS / this.shape.width));
      this.#cells = new Float32Array(this.#columns * this.#rows);
    }
    if ((changed.has("sample") || changed.has("shape")) && this.sample !== null) this.#show(this.sample);
  }

  override updated(changed: PropertyValues<this>): void {
    this.#paint();
    if (changed.has("sample") || changed.has("shape") || changed.has("ink")) this.#send();
  }

  override render() {
    const { width, height, channels } = this.shape;
    return html`
      <canvas
        data-testid="drawing"
        tabindex="0"
        role="application"
        aria-label="Drawing pad for ${this.name}, ${width} by ${height} pixels. Arrow keys move, space draws, delete clears."
        width=${this.#columns}
        height=${this.#rows}
        @pointerdown=${this.#down}
        @pointermove=${this.#move}
        @pointerup=${this.#up}
        @pointercancel=${this.#up}
        @keydown=${this.#key}
        @blur=${() => (this.cursor = null)}
      ></canvas>
      <p class="muted" aria-live="polite">
        ${width} x ${height} pixels${channels === 3 ? ", grey in three channels" : ""}${this.cursor ? `, at column ${this.cursor.x + 1}, row ${this.cursor.y + 1}` : ""}
      </p>
      <div class="row">
        <button type="button" data-testid="drawing-clear" @click=${this.#clear}>Clear</button>
        <div class="field">
          <label for="ink">Value of full ink</label>
          <input id="ink" type="number" step="any" .value=${String(this.ink)} @change=${this.#inked} />
        </div>
        <div class="field">
          <label for="picture">Picture from a file</label>
          <input id="picture" type="file" accept="image/*" @change=${this.#picture} />
        </div>
      </div>
    `;
  }

  get #columns(): number {
    return this.shape.width * this.#grain;
  }

  get #rows(): number {
    return this.shape.height * this.#grain;
  }

  #down = (event: PointerEvent) => {
    const canvas = event.currentTarget as HTMLCanvasElement;
    canvas.setPointerCapture(event.pointerId);
    this.#pen = this.#place(canvas, event);
    this.#stroke(this.#pen, this.#pen);
  };

  #move = (event: PointerEvent) => {
    if (this.#pen === null) return;
    const to = this.#place(event.currentTarget as HTMLCanvasElement, event);
    this.#stroke(this.#pen, to);
    this.#pen = to;
  };

  #up = () => {
    this.#pen = null;
  };

  /** Where a pointer is, in cells. */
  #place(canvas: HTMLCanvasElement, event: PointerEvent) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * this.#columns, y: ((event.clientY - box.top) / box.height) * this.#rows };
  }

  #stroke(from: { x: number; y: number }, to: { x: number; y: number }) {
    const radius = Math.max(0.7, this.#columns * PEN);
    this.#exact = null;
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy;
    for (let at = 0; at < this.#cells.length; at += 1) {
      const [x, y] = [(at % this.#columns) + 0.5, Math.floor(at / this.#columns) + 0.5];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / length));
      if (Math.hypot(x - from.x - along * dx, y - from.y - along * dy) <= radius) this.#cells[at] = 1;
    }
    this.#paint();
    this.#send();
  }

  #key = (event: KeyboardEvent) => {
    const { width, height } = this.shape;
    const { x, y } = this.cursor ?? { x: width >> 1, y: height >> 1 };
    const moved: Record<string, [number, number]> = { ArrowLeft: [x - 1, y], ArrowRight: [x + 1, y], ArrowUp: [x, y - 1], ArrowDown: [x, y + 1] };
    const to = moved[event.key];
    if (to) {
      this.cursor = { x: Math.min(width - 1, Math.max(0, to[0])), y: Math.min(height - 1, Math.max(0, to[1])) };
    } else if (event.key === " ") {
      this.cursor = { x, y };
      this.#exact = null;
      const covered = this.#pixel(x, y) > 0.5 ? 0 : 1;
      this.#eachCell(x, y, (at) => (this.#cells[at] = covered));
      this.#send();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.#clear();
    } else {
      return;
    }
    event.preventDefault();
  };

  #clear = () => {
    this.#exact = null;
    this.#cells.fill(0);
    this.#paint();
    this.#send();
  };

  #inked = (event: Event) => {
    const value = (event.target as HTMLInputElement).valueAsNumber;
    if (!Number.isFinite(value) || value === 0) return;
    this.#exact = null;
    this.ink = value;
  };

  #picture = async (event: Event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (!file) return;
    const bitmap = await createImageBitmap(file);
    const { width, height } = this.shape;
    const grey = image.toTensor(bitmap, { width, height, mean: 0, std: 1, layout: "nchw", channels: 1 });
    bitmap.close();
    // Pictures are dark on light; ink is the dark.
    this.#cover((at) => 1 - (grey[at] ?? 1));
    this.#paint();
    this.#send();
  };

  /** Shows recorded values, the first channel of three. */
  #show(sample: ArrayLike<number>) {
    const { layout, channels } = this.shape;
    const step = layout === "nhwc" ? channels : 1;
    this.#cover((at) => Math.min(1, Math.max(0, (sample[at * step] ?? 0) / this.ink)));
    this.#exact = Float32Array.from(sample);
  }

  #cover(part: (pixel: number) => number) {
    this.#exact = null;
    const { width, height } = this.shape;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const covered = part(y * width + x);
        this.#eachCell(x, y, (at) => (this.#cells[at] = covered));
      }
    }
  }

  #eachCell(x: number, y: number, visit: (at: number) => void) {
    for (let k = 0; k < this.#grain * this.#grain; k += 1) {
      const [column, row] = [x * this.#grain + (k % this.#grain), y * this.#grain + Math.floor(k / this.#grain)];
      visit(row * this.#columns + column);
    }
  }

  /** How much of a pixel is covered, 0 to 1. */
  #pixel(x: number, y: number): number {
    let sum = 0;
    this.#eachCell(x, y, (at) => (sum += this.#cells[at] ?? 0));
    return sum / (this.#grain * this.#grain);
  }

  #send() {
    const { width, height, channels, layout } = this.shape;
    const plane = width * height;
    const values = this.#exact?.slice() ?? new Float32Array(plane * channels);
    for (let pixel = 0; pixel < plane && this.#exact === null; pixel += 1) {
      const value = this.#pixel(pixel % width, Math.floor(pixel / width)) * this.ink;
      for (let channel = 0; channel < channels; channel += 1) {
        values[layout === "nhwc" ? pixel * channels + channel : channel * plane + pixel] = value;
      }
    }
    this.dispatchEvent(new FeedEvent(values));
  }

  #paint() {
    const canvas = this.renderRoot.querySelector("canvas");
    const context = canvas?.getContext("2d");
    if (!context) return;
    const pixels = context.createImageData(this.#columns, this.#rows);
    this.#cells.forEach((covered, at) => {
      const light = 255 - Math.round(covered * 255);
      pixels.data.set([light, light, light, 255], at * 4);
    });
    context.putImageData(pixels, 0, 0);
    if (this.cursor) {
      context.strokeStyle = "#0b5cad";
      const size = this.#grain;
      context.strokeRect(this.cursor.x * size + 0.5, this.cursor.y * size + 0.5, Math.max(1, size - 1), Math.max(1, size - 1));
    }
  }
}
