// One opened model, run by this page and by the gateway on the same input, and the two answers compared bit by bit.

import type { Model, Tensor } from "mote-web/slim";
import type { Gateway } from "./gateway";
import { Latencies } from "./latency";
import { type Comparison, type Inputs, type Said, compare, isSayable, singleEntry } from "./tensor";

/** What came of comparing. */
export type Verdict =
  | { readonly kind: "same" | "different"; readonly sum: Comparison }
  | Silence;

export interface Here {
  readonly version: bigint;
  readonly outputs: Record<string, Tensor>;
}

/** The gateway's answer. */
export interface Answered {
  readonly kind: "answer";
  readonly version: string;
  readonly outputs: ReadonlyMap<string, Said>;
}

/** Why there is none. */
export interface Silence {
  readonly kind: "none";
  readonly why: string;
}

export class Session {
  readonly hereTimes = new Latencies();
  readonly thereTimes = new Latencies();
  readonly #closed = new AbortController();

  constructor(
    readonly model: Model,
    /** Null where no gateway runs this model. */
    readonly gateway: Gateway | null,
    /** Who disposes of the model. */
    readonly keeper: "page" | "device",
  ) {}

  get entry(): number {
    return singleEntry(this.model.card);
  }

  /** Predicts in this page. */
  here(inputs: Inputs): Here {
    // A gateway's requests are strangers to each other, so a model with state starts anew here as well.
    this.model.resetState();
    const start = performance.now();
    const outputs = this.model.predict(inputs, { entry: this.entry });
    this.hereTimes.push(performance.now() - start);
    return { version: this.model.release.version, outputs };
  }

  /** Asks the gateway, if there is one and JSON can carry the question. */
  async there(inputs: Inputs): Promise<Answered | Silence> {
    if (this.gateway === null) {
      return { kind: "none", why: "No gateway behind this page runs the model, so there is nothing to compare with." };
    }
    if (!isSayable(inputs)) {
      return { kind: "none", why: "JSON has no NaN and no infinity, so the gateway cannot be asked." };
    }
    const tensors = this.model.card.entries[this.entry]?.inputs ?? [];
    const start = performance.now();
    try {
      const answer = await this.gateway.infer(this.model.release.model, tensors, inputs, this.#closed.signal);
      this.thereTimes.push(performance.now() - start);
      return { kind: "answer", ...answer };
    } catch (error) {
      this.#closed.signal.throwIfAborted();
      return { kind: "none", why: `The gateway gave no answer: ${error instanceof Error ? error.message : String(error)}.` };
    }
  }

  verdict(here: Here, there: Answered | Silence): Verdict {
    if (there.kind === "none") return there;
    if (there.version !== String(here.version)) {
      return { kind: "none", why: `The gateway runs version ${there.version} and this page version ${here.version}.` };
    }
    const sums = Object.entries(here.outputs).map(([name, tensor]) => compare(tensor, there.outputs.get(name) ?? []));
    const add = (a: Comparison, b: Comparison) => ({
      same: a.same + b.same,
      different: a.different + b.different,
      unsaid: a.unsaid + b.unsaid,
    });
    const sum = sums.reduce(add, { same: 0, different: 0, unsaid: 0 });
    return { kind: sum.different === 0 ? "same" : "different", sum };
  }

  close(): void {
    this.#closed.abort();
    if (this.keeper === "page") this.model.dispose();
  }
}
