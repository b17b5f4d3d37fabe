// A live plot of the last samples, with the window that the model looks at shaded.

import { LitElement, type PropertyValues, css, html, unsafeCSS } from "lit";
import { customElement, property } from "lit/decorators.js";
import UPlot from "uplot";
import plotStyles from "uplot/dist/uPlot.min.css";
import { controls } from "./styles";

/** Told apart on light and on dark ground: each has a contrast of 3 or more with both. */
const COLOURS = ["#3b82c4", "#c2701c", "#3a9455", "#9a6bd1", "#d9534f", "#1f958c"];
const HEIGHT = 220;

export interface Trace {
  /** Seconds or sample numbers. */
  readonly times: readonly number[];
  /** Per channel, one value per time. */
  readonly channels: readonly (readonly number[])[];
  /** First and last time of the window. */
  readonly window: readonly [number, number] | null;
}

@customElement("mote-plot")
export class Plot extends LitElement {
  static override styles = [
    unsafeCSS(plotStyles),
    controls,
    css`
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1rem;
        font-size: 0.9rem;
        list-style: none;
        padding: 0;
        margin: 0 0 0.5rem;
      }
      svg {
        width: 0.8em;
        height: 0.8em;
      }
    `,
  ];

  @property({ attribute: false }) names: readonly string[] = [];
  @property({ attribute: false }) trace: Trace = { times: [], channels: [], window: null };
  @property({ attribute: false }) timesAre: "s" | "sample" = "sample";

  #plot: UPlot | null = null;
  readonly #scheme = matchMedia("(prefers-color-scheme: dark)");
  readonly #sized = new ResizeObserver(() => this.#plot?.setSize({ width: this.clientWidth, height: HEIGHT }));

  override connectedCallback(): void {
    super.connectedCallback();
    this.#sized.observe(this);
    this.#scheme.addEventListener("change", this.#rebuild);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sized.disconnect();
    this.#scheme.removeEventListener("change", this.#rebuild);
    this.#plot?.destroy();
    this.#plot = null;
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("names") || changed.has("timesAre") || this.#plot === null) this.#rebuild();
    else this.#plot.setData(this.#data());
  }

  override render() {
    const entry = (name: string, at: number) => html`
      <li><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill=${COLOURS[at % COLOURS.length]} /></svg> ${name}</li>
    `;
    return html`
      <ul class="legend">${this.names.map(entry)}</ul>
      <div class="plot" role="img" aria-label="The last samples of ${this.names.join(", ")}" data-testid="plot"></div>
    `;
  }

  #data(): UPlot.AlignedData {
    return [[...this.trace.times], ...this.trace.channels.map((channel) => [...channel])];
  }

  #rebuild = () => {
    const place = this.renderRoot.querySelector<HTMLElement>(".plot");
    if (!place) return;
    this.#plot?.destroy();
    const colour = getComputedStyle(this).color;
    const axis: UPlot.Axis = { stroke: colour, grid: { stroke: "rgba(128,128,128,0.25)" }, ticks: { stroke: "rgba(128,128,128,0.25)" } };
    const options: UPlot.Options = {
      width: this.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false } },
      axes: [{ ...axis, label: this.timesAre === "s" ? "seconds" : "samples", labelSize: 20 }, axis],
      series: [{}, ...this.names.map((label, at) => ({ label, stroke: COLOURS[at % COLOURS.length], width: 1.5 }))],
      hooks: { drawClear: [(plot: UPlot) => this.#shade(plot)] },
    };
    this.#plot = new UPlot(options, this.#data(), place);
  };

  #shade(plot: UPlot) {
    if (this.trace.window === null) return;
    const [from, to] = this.trace.window.map((time) => plot.valToPos(time, "x", true));
    const { left, top, width, height } = plot.bbox;
    const start = Math.max(left, from ?? left);
    const end = Math.min(left + width, to ?? left);
    plot.ctx.fillStyle = "rgba(59,130,196,0.18)";
    if (end > start) plot.ctx.fillRect(start, top, end - start, height);
  }
}
