// This page as a device of the fleet: it is told over MQTT which release to run, fetches, verifies and tries it, and says
// what became of it.

import type { FleetDevice, FleetStatus } from "mote-web/device";
import type { Keys, Model } from "mote-web/slim";
import { LitElement, css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Gateway } from "./gateway";
import { controls, panel } from "./styles";

const MOST_LINES = 12;
/** Where the page's device name is kept, so that a reload is the same device. */
const NAME = "mote-device-name";
/** How often the link is looked at, in milliseconds. */
const LOOK = 1000;

/** The device's model is another, or none any more: then the page needs one of its own. */
export class SwapEvent extends CustomEvent<{ readonly model: Model | null }> {
  constructor(model: Model | null) {
    super("swap", { detail: { model } });
  }
}

@customElement("mote-device")
export class DevicePanel extends LitElement {
  static override styles = [
    controls,
    panel,
    css`
      ol {
        margin: 0;
        padding-left: 1.5rem;
        font-size: 0.9rem;
        overflow-wrap: anywhere;
      }
      .state {
        font-weight: 600;
      }
    `,
  ];

  @property({ attribute: false }) gateway: Gateway | null = null;
  @property({ attribute: false }) keys: Keys | null = null;
  /** The model that the page shows. */
  @property() model = "";
  @state() private device: FleetDevice | null = null;
  @state() private status: FleetStatus | null = null;
  @state() private lines: readonly string[] = [];
  @state() private complaint = "";
  @state() private starting = false;

  /** What the address of the page says. */
  readonly #asked = new URLSearchParams(location.hash.slice(1));
  #look = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    void this.#stop();
  }

  override updated(): void {
    // Once, as soon as there is something to vouch for a release.
    if (this.keys && this.#wanted && this.#asked.get("connect")) {
      this.#asked.delete("connect");
      void this.#start();
    }
  }

  override render() {
    const running = this.device !== null || this.starting;
    const host = location.hostname || "127.0.0.1";
    const field = (id: string, label: string, value: string) => html`
      <div class="field">
        <label for=${id}>${label}</label>
        <input id=${id} data-testid="device-${id}" .value=${value} ?disabled=${running} />
      </div>
    `;
    return html`
      <section aria-labelledby="device">
        <h2 id="device">This page as a device</h2>
        <p class="muted">Connects to the fleet's broker over WebSocket and takes signed model updates without a reload.</p>
        <form class="row" @submit=${this.#submitted}>
          ${field("url", "Broker", this.#asked.get("url") ?? `ws://${host}:9001`)}
          ${field("fleet", "Fleet", this.#asked.get("fleet") ?? this.gateway?.site.fleet ?? "")}
          ${field("name", "Device", this.#asked.get("device") ?? ownName())}
          ${field("model", "Model", this.#wanted)}
          <button data-testid="device-connect" aria-pressed=${running} ?disabled=${this.starting}>${running ? "Disconnect" : "Connect"}</button>
        </form>
        <div role="alert">${this.complaint ? html`<p data-testid="device-error">${this.complaint}</p>` : null}</div>
        ${this.status ? this.#said(this.status) : null}
      </section>
    `;
  }

  /** The page's model, or before it has one the address's. */
  get #wanted(): string {
    return this.model || (this.#asked.get("model") ?? "");
  }

  #said({ state, version, progress, failure, counters }: FleetStatus) {
    const link = this.device?.connected ? "connected" : "not connected";
    return html`
      <p role="status" data-testid="twin" data-state=${state} data-version=${String(version ?? "")} data-connected=${this.device?.connected ?? false}>
        <span class="state" data-testid="device-state">${state}</span>, runs version
        <span class="state" data-testid="device-version">${version ?? "none"}</span>, ${link}.
        ${progress ? `${progress.held} of ${progress.total} chunks are here.` : null}
        ${failure ? `The last update ended in ${failure.stage} with code ${failure.code}.` : null}
        <span class="muted">${counters.committed} committed, ${counters.failed} failed, ${counters.refused} refused.</span>
      </p>
      <ol reversed data-testid="device-log">${this.lines.map((line) => html`<li>${line}</li>`)}</ol>
    `;
  }

  #submitted = (event: Event) => {
    event.preventDefault();
    void (this.device ? this.#stop() : this.#start());
  };

  async #start(): Promise<void> {
    const value = (id: string) => this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)?.value.trim() ?? "";
    const [url, fleet, device, model] = [value("url"), value("fleet"), value("name"), value("model")];
    if (this.keys === null) {
      this.complaint = "No key vouches for releases and orders yet; choose public key files above.";
      return;
    }
    this.complaint = "";
    this.starting = true;
    try {
      keepName(device);
      const { FleetDevice } = await import("mote-web/device");
      const listed = this.gateway?.site.models.find(({ name }) => name === model);
      const options = this.gateway && listed?.browser ? { first: this.gateway.file(model) } : {};
      const started = await FleetDevice.start({ url, fleet, device, model, keys: this.keys, options });
      started.on("twin", (status) => this.#tell(status));
      started.on("swap", ({ model, previous }) => this.#swapped(model, previous));
      started.on("error", ({ message }) => this.#note(message));
      this.device = started;
      this.#look = window.setInterval(() => this.requestUpdate(), LOOK);
      this.#tell(started.status);
      if (started.model) this.dispatchEvent(new SwapEvent(started.model));
      if (!this.isConnected) await this.#stop();
    } catch (error) {
      this.complaint = error instanceof Error ? error.message : String(error);
    } finally {
      this.starting = false;
    }
  }

  async #stop(): Promise<void> {
    const device = this.device;
    if (device === null) return;
    this.device = null;
    window.clearInterval(this.#look);
    // The models are the device's and end with it.
    this.dispatchEvent(new SwapEvent(null));
    await device.stop();
    this.status = null;
    this.lines = [];
  }

  #tell(status: FleetStatus) {
    if (status.state !== this.status?.state) this.#note(`${status.state}${status.version === null ? "" : `, version ${status.version}`}`);
    this.status = status;
  }

  #swapped(model: Model | null, previous: bigint | null) {
    const before = previous === null ? "" : ` in place of version ${previous}`;
    this.#note(model ? `version ${model.release.version} answers${before}` : "no model answers");
    this.dispatchEvent(new SwapEvent(model));
  }

  #note(line: string) {
    this.lines = [line, ...this.lines].slice(0, MOST_LINES);
  }
}

/** The name of last time, else a new one; pages without storage are a new device each time. */
function ownName(): string {
  fresh ??= `page-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36) ?? 0}`;
  try {
    return localStorage.getItem(NAME) ?? fresh;
  } catch {
    return fresh;
  }
}

let fresh: string | undefined;

function keepName(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // Without storage the device is a new one after a reload.
  }
}
