import type { Card } from "./card.js";
import { MoteError, fromPlain } from "./error.js";
import type { Inputs, ReleaseInfo, Tensor } from "./guest.js";
import type { Keys } from "./keys.js";
import { suited, type Source } from "./model.js";
import { type OpenOptions, type Opened, open } from "./open.js";
import { dispose, nodeModule } from "./platform.js";
import type { Answer, Order } from "./worker_protocol.js";

export interface WorkerOptions extends OpenOptions {
  /** The URL of `mote-web/worker.js`, for pages whose policy forbids workers from `blob:`. */
  workerUrl?: string | URL;
}

type Request = Order extends infer One ? (One extends Order ? Omit<One, "id"> : never) : never;

interface Waiting {
  resolve(outputs: Record<string, Tensor>): void;
  reject(error: unknown): void;
}

/** A verified model that runs in a worker of its own, so that the page stays responsive. Calls are answered in order. */
export class WorkerModel implements Disposable {
  readonly card: Card;
  readonly release: ReleaseInfo;
  readonly #line: Line;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended: MoteError | undefined;

  private constructor({ info }: Opened, start: (listener: Listener) => Line) {
    this.card = info.card;
    this.release = info.release;
    this.#line = start({
      answer: (answer) => this.#settle(answer),
      failure: (message) => this.#end(new MoteError("worker.failed", `the worker failed: ${message}`)),
    });
  }

  /** As `Model.open`. The module is verified and compiled here and posted to the worker. */
  static async open(source: Source, keys: Keys, options: WorkerOptions = {}): Promise<WorkerModel> {
    const [place, profile] = suited(source);
    const opened = await open(place, profile, keys, options);
    const script = await scriptOf(options);
    const model = new WorkerModel(opened, (listener) => startWorker(script, listener));
    try {
      await model.#ask({ do: "start", ...opened });
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** As `Model.predict`; inputs are copied to the worker, outputs moved back. */
  predict(inputs: Inputs, options: { entry?: number } = {}): Promise<Record<string, Tensor>> {
    return this.#ask({ do: "predict", inputs, entry: options.entry ?? 0 });
  }

  /** Forgets what was carried between calls. */
  async resetState(): Promise<void> {
    await this.#ask({ do: "reset" });
  }

  /** Ends the worker; calls that wait are refused. */
  dispose(): void {
    this.#end(new MoteError("model.disposed", `model ${this.release.model} has been disposed of`));
  }

  [dispose](): void {
    this.dispose();
  }

  get disposed(): boolean {
    return this.#ended !== undefined;
  }

  #ask(request: Request): Promise<Record<string, Tensor>> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        this.#line.send({ ...request, id });
      } catch (cause) {
        this.#waiting.delete(id);
        reject(new MoteError("input.type", "inputs must be typed arrays", undefined, cause));
      }
    });
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(fromPlain(answer.error));
    else waiting?.resolve(answer.outputs);
  }

  #end(error: MoteError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#line.close();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** The wire to a worker: web workers and Node's differ. */
interface Line {
  send(order: Order): void;
  close(): void;
}

interface Listener {
  answer(answer: Answer): void;
  failure(message: string): void;
}

/** The worker's script: where it is, or its text. */
type Script = { url: string | URL } | { text: string };

/** The text is a part of its own, so that pages without a worker do not load it. */
async function scriptOf({ workerUrl }: WorkerOptions): Promise<Script> {
  return workerUrl ? { url: workerUrl } : { text: (await import("./generated/worker.txt")).default };
}

function startWorker(script: Script, listener: Listener): Line {
  return typeof Worker === "function" ? startWebWorker(script, listener) : startNodeWorker(script, listener);
}

function startWebWorker(script: Script, listener: Listener): Line {
  const url = "url" in script ? script.url : URL.createObjectURL(new Blob([script.text], { type: "text/javascript" }));
  // A module, because Deno knows no other kind.
  const worker = new Worker(url, { type: "module" });
  const release = () => "text" in script && URL.revokeObjectURL(String(url));
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    // The first answer proves that the script has been read.
    release();
    listener.answer(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    release();
    listener.failure(event.message || "its script cannot be loaded; see workerUrl");
  };
  return { send: (order) => worker.postMessage(order), close: () => worker.terminate() };
}

interface NodeWorker {
  on(event: "message", take: (answer: Answer) => void): void;
  on(event: "error", take: (error: unknown) => void): void;
  postMessage(order: Order): void;
  terminate(): Promise<number>;
}

function startNodeWorker(script: Script, listener: Listener): Line {
  const threads = nodeModule<{ Worker: new (script: string | URL, options?: { eval: boolean }) => NodeWorker }>("node:worker_threads");
  if (!threads) throw new MoteError("worker.absent", "there are no workers here", "use Model in place of WorkerModel");
  const worker = "url" in script ? new threads.Worker(new URL(script.url)) : new threads.Worker(script.text, { eval: true });
  worker.on("message", listener.answer);
  worker.on("error", (error) => listener.failure(String(error)));
  return { send: (order) => worker.postMessage(order), close: () => void worker.terminate() };
}
