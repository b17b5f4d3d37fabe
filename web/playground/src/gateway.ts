// The gateway that served this page, if one did: its models, keys, recordings and answers.

import type { TensorCard } from "mote-web/slim";
import { type Inputs, type Said, request } from "./tensor";

/** A model of a gateway: what answers there, and what a page may open here. */
export interface Listed {
  readonly name: string;
  readonly gateway: { readonly version: number; readonly release: string; readonly development: boolean } | null;
  readonly browser: {
    readonly version: number;
    readonly release: string;
    readonly development: boolean;
    readonly artifact: string;
    readonly bytes: number;
  } | null;
  readonly samples: boolean;
}

export interface Site {
  readonly fleet: string;
  readonly device: string;
  readonly managed: string | null;
  readonly models: readonly Listed[];
}

export interface Answer {
  readonly version: string;
  readonly outputs: ReadonlyMap<string, Said>;
}

export class Gateway {
  private constructor(
    readonly site: Site,
    readonly keys: string,
    private readonly base: string,
  ) {}

  /** Null where a plain file server stands behind the page. */
  static async find(base: string): Promise<Gateway | null> {
    try {
      const [models, keys] = await Promise.all([fetch(new URL("mote/1/models", base)), fetch(new URL("mote/1/keys", base))]);
      if (!models.ok || !keys.ok) return null;
      return new Gateway((await models.json()) as Site, await keys.text(), base);
    } catch {
      return null;
    }
  }

  file(model: string): URL {
    return new URL(`mote/1/models/${model}/browser.mote`, this.base);
  }

  async samples(model: string): Promise<string> {
    return (await ask(new URL(`mote/1/models/${model}/samples.csv`, this.base))).text();
  }

  async infer(model: string, tensors: readonly TensorCard[], inputs: Inputs, signal: AbortSignal): Promise<Answer> {
    const response = await ask(new URL(`v2/models/${model}/infer`, this.base), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: request(tensors, inputs),
      signal,
    });
    const answer = (await response.json()) as { model_version: string; outputs: { name: string; data: Said }[] };
    return { version: answer.model_version, outputs: new Map(answer.outputs.map(({ name, data }) => [name, data])) };
  }
}

/** The response, unless the gateway refuses or is not there. */
async function ask(url: URL, how: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, how).catch((cause: unknown) => {
    how.signal?.throwIfAborted();
    throw new Error("it cannot be reached", { cause });
  });
  if (!response.ok) throw new Error(await refusal(response));
  return response;
}

/** What a refusing gateway says: JSON with `error`, unless something else stands between. */
async function refusal(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { error: string }).error;
  } catch {
    return `the gateway answers ${response.status} ${response.statusText}`;
  }
}
