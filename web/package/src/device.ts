/**
 * This page as a device of a fleet: it takes signed model updates over MQTT, tries them, keeps or returns them, and says
 * so, by the machine that gateways and microcontrollers run.
 */

import { type Action, ActionKind, DeviceSettings, FleetMachine, Outcome } from "./generated/mote_web.js";
import { type Lock, takeLock } from "./device/lock.js";
import { type DeviceStore, openStore, type Piece } from "./device/store.js";
import { passes } from "./device/selftest.js";
import { type FleetStatus, statusOf } from "./device/status.js";
import { type Connection, type Login, mqttOverWebSocket, type Transport } from "./device/transport.js";
import { MoteError } from "./error.js";
import { get } from "./fetch.js";
import type { Tensor } from "./guest.js";
import type { Keys } from "./keys.js";
import { Model } from "./model.js";
import { asking, init } from "./verifier.js";

export { type DeviceStore, IndexedDbStore, MemoryStore, type Parts, type Piece } from "./device/store.js";
export type { FleetStatus } from "./device/status.js";
export { type Connection, type ConnectOptions, type Login, mqttOverWebSocket, type Transport } from "./device/transport.js";

/** What a device is told once. */
export interface FleetDeviceStart {
  /** The broker: `ws://host:port/path` or `wss://`. */
  url: string | URL;
  /** Names: 1 to 64 of `A-Z a-z 0-9 _ -`. The device's is unique in its fleet. */
  fleet: string;
  device: string;
  /** The one model that it runs. */
  model: string;
  /** Release keys and assignment keys that it trusts. */
  keys: Keys;
  options?: FleetDeviceOptions;
}

export interface FleetDeviceOptions {
  /** The sealed model that a device starts with which has none yet: its URL or its bytes. */
  first?: string | URL | Uint8Array | ArrayBuffer;
  login?: Login;
  /** Largest module, in bytes; 64 MiB if not given. */
  maxBytes?: number;
  /** Bytes per chunk, 256 to 61,376; 16 KiB if not given. */
  chunkBytes?: number;
  /** Chunks on their way at most, 1 to 512. */
  window?: number;
  /** Answers that prove a new model, failures that disprove it, the time for both, and reloads that disprove it. */
  trial?: { answers?: number; failures?: number; ms?: number; boots?: number };
  /** The first wait before something is asked for again, in milliseconds. */
  retryMs?: number;
  /** How often telemetry is published, in milliseconds. */
  reportMs?: number;
  /** Where it keeps what it must not lose; IndexedDB, or memory where there is none. */
  store?: DeviceStore;
  /** What carries its messages; MQTT.js over WebSocket. */
  transport?: Transport;
}

/** What a device tells the page. */
export interface FleetEvents {
  /** Another model answers from here on, or none. The one before is disposed of once nothing can return to it. */
  swap: { model: Model | null; previous: bigint | null };
  /** Something changed in what the device says of itself. */
  twin: FleetStatus;
  /** Something went wrong that the device lives with. */
  error: MoteError;
}

type Listener<E extends keyof FleetEvents> = (event: FleetEvents[E]) => void;

/** When to write again what the store did not take, in milliseconds. */
const PERSIST_AGAIN = 1000;
/** The longest timer that engines keep. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A device that runs until it is stopped. */
export class FleetDevice {
  readonly #start: FleetDeviceStart;
  readonly #lock: Lock;
  readonly #store: DeviceStore;
  readonly #transport: Transport;
  readonly #machine: FleetMachine;
  readonly #listeners = new Map<keyof FleetEvents, Set<Listener<never>>>();
  /** Kept, but not durable yet. */
  #pieces: Piece[] = [];
  /** Models by release: those that run, ran, or are about to. */
  readonly #loaded = new Map<string, Model>();
  #model: Model | null = null;
  #connection: Connection | undefined;
  #hangUp: (() => void) | undefined;
  #link: Promise<void> | undefined;
  /** The release topic subscribed to. */
  #subscribed: string | undefined;
  /** Work under way. */
  readonly #busy = new Set<Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #said = "";
  #pumping = false;
  #stopped = false;

  private constructor(start: FleetDeviceStart, lock: Lock, store: DeviceStore, machine: FleetMachine) {
    this.#start = start;
    this.#lock = lock;
    this.#store = store;
    this.#machine = machine;
    this.#transport = start.options?.transport ?? mqttOverWebSocket(start.url, start.options?.login);
  }

  /**
   * Starts a device and resolves once the model that it last proved answers, if it has one. The broker need not be there;
   * what is wanted of the device reaches it when it is. One page runs a device at a time.
   */
  static async start(start: FleetDeviceStart): Promise<FleetDevice> {
    await init();
    const name = `mote-device/${start.fleet}/${start.device}/${start.model}`;
    const lock = await takeLock(name);
    try {
      const store = start.options?.store ?? (await openStore(name));
      const { record, boot } = await store.start();
      const machine = await boots(start, store, record, boot);
      const device = new FleetDevice(start, lock, store, machine);
      device.#pump();
      while (device.#busy.size > 0) await Promise.all(device.#busy);
      device.#link = device.#keepConnected();
      return device;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** The model that answers. It is the device's: take it anew at every swap, and leave its disposal to the device. */
  get model(): Model | null {
    return this.#model;
  }

  /** What the device says of itself. */
  get status(): FleetStatus {
    return statusOf(this.#machine);
  }

  /** Whether a connection to the broker stands. */
  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Calls `listener` at every such event until the function that it answers is called. */
  on<E extends keyof FleetEvents>(event: E, listener: Listener<E>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Updates are not welcome, or are again. A running trial is finished either way. */
  hold(on: boolean): void {
    this.#machine.hold(now(), on);
    this.#pump();
  }

  /** Says goodbye and lets go of everything. What is durable is taken up by the next start. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#hangUp?.();
    await Promise.all(this.#busy);
    // A connection that does not stand yet ends by itself.
    if (this.#connection) await this.#link;
    this.#store.close();
    for (const model of this.#loaded.values()) model.dispose();
    this.#machine.free();
    this.#lock.release();
  }

  /** Carries out all that there is to do, then says what has changed and sleeps. */
  #pump(): void {
    // What is carried out may call in here again.
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    for (let action = this.#machine.action(now()); action; action = this.#machine.action(now())) this.#carryOut(action);
    this.#pumping = false;
    this.#tell();
    clearTimeout(this.#timer);
    const wait = Math.min(Math.max(0, this.#machine.wakeAt() - now()), LONGEST_TIMER);
    this.#timer = setTimeout(() => {
      this.#machine.tick(now());
      this.#pump();
    }, Math.ceil(wait));
  }

  #carryOut(action: Action): void {
    const { kind, ticket, release, topic, bytes, qos, retain } = action;
    action.free();
    switch (kind) {
      case ActionKind.Persist:
        return this.#work(() => this.#persist(bytes));
      case ActionKind.Publish:
        return this.#publish(topic, bytes, { qos: qos === 0 ? 0 : 1, retain });
      case ActionKind.Subscribe:
        return this.#work(() => this.#subscribe(topic));
      case ActionKind.Prepare:
        return this.#order(ticket, Outcome.Storage, () => this.#store.prepare());
      case ActionKind.Verify:
        return this.#work(() => this.#verify(ticket));
      case ActionKind.Stage:
        return this.#order(ticket, Outcome.Unrunnable, () => this.#stage(release));
      case ActionKind.SelfTest:
        return this.#order(ticket, Outcome.Disproved, () => this.#selfTest(release));
      case ActionKind.Activate:
        return this.#order(ticket, Outcome.Unrunnable, () => this.#activate(release));
      case ActionKind.Deactivate:
        return this.#order(ticket, Outcome.Storage, async () => this.#swap(null));
    }
  }

  /** Does something that takes time, then looks for what is next. */
  #work(job: () => Promise<void>): void {
    const done: Promise<void> = job()
      .catch((error: unknown) => this.#emit("error", asMoteError(error)))
      .finally(() => {
        this.#busy.delete(done);
        this.#pump();
      });
    this.#busy.add(done);
  }

  /** Carries out an order and reports on it. */
  #order(ticket: number, otherwise: Outcome, job: () => Promise<void>): void {
    this.#work(async () => {
      let outcome = Outcome.Done;
      try {
        await job();
      } catch (error) {
        outcome = error instanceof RangeError ? Outcome.OutOfMemory : error instanceof DOMException ? Outcome.Storage : otherwise;
        throw error;
      } finally {
        if (!this.#stopped) this.#machine.done(now(), ticket, outcome);
      }
    });
  }

  async #persist(record: Uint8Array): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    try {
      await this.#store.persist(record, pieces);
    } catch (error) {
      // What the disk has no room for ends the update; the record that says so must still be written.
      if (pieces.length > 0 && !this.#stopped) this.#machine.storageFailed(now());
      setTimeout(() => {
        if (!this.#stopped) this.#work(() => this.#persist(record));
      }, PERSIST_AGAIN);
      throw error;
    }
    if (!this.#stopped) this.#machine.persisted(now());
  }

  async #verify(ticket: number): Promise<void> {
    const { manifest, golden, artifact } = await this.#store.kept();
    if (!this.#stopped) asking(() => this.#machine.verify(now(), ticket, manifest, golden, artifact));
  }

  async #stage(release: string): Promise<void> {
    const parts = await this.#store.kept();
    this.#load(release, await this.#open(parts, release, this.status.floor));
    await this.#store.add(release, parts);
  }

  async #selfTest(release: string): Promise<void> {
    const model = await this.#modelOf(release);
    const parts = await this.#store.release(release);
    const test = asking(() => this.#machine.selfTest(parts?.golden ?? new Uint8Array()));
    try {
      if (!passes(model, test)) throw new MoteError("fleet.self-test", "a golden vector gave another answer");
    } finally {
      test.free();
    }
  }

  async #activate(release: string): Promise<void> {
    const model = await this.#modelOf(release);
    const needed = this.#machine.needed();
    this.#swap(model);
    for (const [loaded, old] of this.#loaded) {
      if (needed.includes(loaded)) continue;
      this.#loaded.delete(loaded);
      old.dispose();
    }
    // What cannot be removed is removed after the next update.
    await this.#store.collect(needed).catch((error: unknown) => this.#emit("error", asMoteError(error)));
  }

  /** The model of a release that was staged, opened again after a reload of the page. */
  async #modelOf(release: string): Promise<Model> {
    const loaded = this.#loaded.get(release);
    if (loaded && !loaded.disposed) return loaded;
    const parts = await this.#store.release(release);
    if (!parts) throw new MoteError("fleet.lost", `the bytes of release ${release} are gone`);
    // It passed the floor when it was staged; a good model is never refused for a floor that came after it.
    return this.#load(release, await this.#open(parts, release, 0n));
  }

  async #open({ manifest, artifact }: { manifest: Uint8Array; artifact: Uint8Array<ArrayBuffer> }, release: string, floor: bigint) {
    const { keys, model: name } = this.#start;
    const model = await Model.openDetached(manifest, artifact, keys, { floor, model: name });
    if (model.release.releaseDigest === release) return model;
    model.dispose();
    throw new MoteError("fleet.lost", `the bytes of release ${release} are those of another`);
  }

  #load(release: string, model: Model): Model {
    model.observer = (ms, outputs) => this.#observe(model, ms, outputs);
    this.#loaded.set(release, model);
    return model;
  }

  /** Counts a call of a model: a trial lives on them. */
  #observe(model: Model, ms: number, outputs: Record<string, Tensor> | undefined): void {
    if (model !== this.#model || this.#stopped) return;
    const first = outputs && outputs[model.card.entries[0]?.outputs[0]?.name ?? ""]?.data;
    const scores = first instanceof Float32Array ? first : new Float32Array();
    if (outputs) this.#machine.answered(now(), Math.round(ms * 1000), scores);
    else this.#machine.unanswered(now());
    this.#pump();
  }

  #swap(model: Model | null): void {
    const previous = this.#model?.release.version ?? null;
    if (model === this.#model) return;
    this.#model = model;
    this.#emit("swap", { model, previous });
  }

  /** Connects, and connects again, until the device is stopped. */
  async #keepConnected(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#connectOnce();
      } catch (error) {
        this.#emit("error", new MoteError("fleet.link", `no connection to ${String(this.#start.url)}: ${reason(error)}`, undefined, error));
      }
      this.#connection = this.#subscribed = undefined;
      if (this.#stopped) return;
      this.#machine.disconnected(now());
      this.#pump();
      const delay = this.#machine.reconnectDelay();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delay);
        this.#hangUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** One connection, from its birth message to its end. */
  async #connectOnce(): Promise<void> {
    const machine = this.#machine;
    const session = random();
    const topic = machine.aliveTopic();
    const [will, birth, filter] = [machine.alive(false, session), machine.alive(true, session), machine.filter];
    const { fleet, device } = this.#start;
    const ended = new Promise<void>((resolve) => void (this.#hangUp = resolve));
    const connection = await this.#transport.connect({
      clientId: `mote-${fleet}-${device}`,
      will: { topic, payload: will },
      onMessage: (topic, payload) => this.#arrived(topic, payload),
      onClose: () => this.#hangUp?.(),
    });
    try {
      await connection.subscribe(filter);
      await connection.publish(topic, birth, { qos: 1, retain: true });
      if (this.#stopped) return;
      this.#connection = connection;
      machine.connected(now(), session);
      this.#pump();
      await ended;
    } finally {
      // A broker that is left politely does not publish the will.
      if (this.#stopped) await connection.publish(topic, will, { qos: 1, retain: true }).catch(() => undefined);
      await connection.close().catch(() => undefined);
    }
  }

  #arrived(topic: string, payload: Uint8Array): void {
    if (this.#stopped) return;
    const kept = this.#machine.arrived(now(), topic, payload);
    if (kept) {
      const part = PARTS[kept.part];
      this.#pieces.push({ part, offset: kept.offset, bytes: owned(kept.bytes) });
      kept.free();
    }
    this.#pump();
  }

  /** Sends what can be sent; what cannot, the machine says again after the next connection. */
  #publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain: boolean }): void {
    this.#connection?.publish(topic, payload, options).catch(() => undefined);
  }

  async #subscribe(topic: string): Promise<void> {
    const connection = this.#connection;
    // Some brokers send the retained message for a new subscription only.
    if (this.#subscribed !== undefined) await connection?.unsubscribe(this.#subscribed);
    this.#subscribed = topic;
    await connection?.subscribe(topic);
  }

  #tell(): void {
    const status = this.status;
    const said = JSON.stringify(status, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    if (said === this.#said) return;
    this.#said = said;
    this.#emit("twin", status);
  }

  #emit<E extends keyof FleetEvents>(event: E, detail: FleetEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as Listener<E>)(detail);
  }
}

/** Parts by the number that the machine gives them. */
const PARTS = ["manifest", "golden", "artifact"] as const;

/** The machine, with a first model where it has none. */
async function boots(start: FleetDeviceStart, store: DeviceStore, record: Uint8Array | undefined, boot: bigint): Promise<FleetMachine> {
  const ring = start.keys.ring();
  try {
    const { first } = start.options ?? {};
    if (!record && first !== undefined) {
      const sealed = await bytesOf(first);
      const opened = asking(() => FleetMachine.openFirst(settingsOf(start), ring, sealed));
      const { release, manifest, artifact } = opened;
      record = opened.record;
      opened.free();
      await store.add(release, { manifest: owned(manifest), artifact: owned(artifact), golden: new Uint8Array() });
      await store.persist(record, []);
    }
    return asking(() => new FleetMachine(settingsOf(start), ring, record, boot, random(), now()));
  } finally {
    ring.free();
  }
}

function settingsOf({ fleet, device, model, options = {} }: FleetDeviceStart): DeviceSettings {
  const settings = new DeviceSettings(fleet, device, model);
  const { maxBytes, chunkBytes, window, trial, retryMs, reportMs } = options;
  if (maxBytes !== undefined) settings.maxBytes = maxBytes;
  if (chunkBytes !== undefined) settings.chunkBytes = chunkBytes;
  if (window !== undefined) settings.window = window;
  if (trial?.answers !== undefined) settings.trialAnswers = trial.answers;
  if (trial?.failures !== undefined) settings.trialFailures = trial.failures;
  if (trial?.ms !== undefined) settings.trialMs = trial.ms;
  if (trial?.boots !== undefined) settings.trialBoots = trial.boots;
  if (retryMs !== undefined) settings.retryMs = retryMs;
  if (reportMs !== undefined) settings.reportMs = reportMs;
  return settings;
}

async function bytesOf(file: string | URL | Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file;
  return new Uint8Array(file instanceof ArrayBuffer ? file : await (await get(file)).arrayBuffer());
}

/** What the verifier hands out is a copy outside its memory. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

function now(): number {
  return performance.now();
}

function random(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asMoteError(error: unknown): MoteError {
  return error instanceof MoteError ? error : new MoteError("fleet.failed", reason(error), undefined, error);
}
