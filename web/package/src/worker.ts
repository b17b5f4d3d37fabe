// The worker's side of a WorkerModel: one model, answering in order. It needs no verifier, so it is a few kilobytes.

import { MoteError, toPlain } from "./error.js";
import { Guest, type Tensor } from "./guest.js";
import { nodeModule } from "./platform.js";
import type { Answer, Order } from "./worker_protocol.js";

interface Port {
  postMessage(answer: Answer, transfer: ArrayBufferLike[]): void;
}

let guest: Guest | undefined;

async function obey(order: Order): Promise<Record<string, Tensor>> {
  if (order.do === "start") {
    guest = await Guest.fromModule(order.module, order.info);
    return {};
  }
  if (!guest) throw new MoteError("worker.failed", "no model has been started");
  if (order.do === "predict") return guest.predict(order.inputs, { entry: order.entry });
  guest.resetState();
  return {};
}

async function answer(port: Port, order: Order): Promise<void> {
  try {
    const outputs = await obey(order);
    // The copies that predict made are moved, not copied again.
    port.postMessage({ id: order.id, outputs }, Object.values(outputs).map(({ data }) => data.buffer));
  } catch (error) {
    port.postMessage({ id: order.id, error: toPlain(error) }, []);
  }
}

interface NodePort extends Port {
  on(event: "message", take: (order: Order) => void): void;
}

const node = nodeModule<{ parentPort: NodePort | null }>("node:worker_threads");
if (node?.parentPort && typeof globalThis.postMessage !== "function") {
  const port = node.parentPort;
  port.on("message", (order) => void answer(port, order));
} else {
  const page = globalThis as unknown as Port & { onmessage: (event: MessageEvent<Order>) => void };
  page.onmessage = ({ data }) => void answer(page, data);
}
