// Carries totals from call to call, takes ones that are given, and forgets; in a worker too.
import { readFileSync } from "node:fs";
import { Keys, Model, WorkerModel } from "mote-web";

const sealed = new Uint8Array(readFileSync("totals.mote"));
const keys = Keys.from(readFileSync("keys.pub", "utf8"));
const x = Float32Array.of(1, 2);

async function story(model) {
  const totals = [];
  const call = async (inputs) => totals.push([...(await model.predict(inputs)).next.data]);
  await call(x);
  await call({ x });
  await call({ x, sum: Float32Array.of(10, 20) });
  await model.resetState();
  await call(x);
  return JSON.stringify(totals);
}

const stories = [];
for (const kind of [Model, WorkerModel]) {
  const model = await kind.open(sealed, keys);
  stories.push(await story(model));
  model[Symbol.dispose]();
  if (!model.disposed) throw new Error("Symbol.dispose does not dispose");
}
if (stories[0] !== stories[1]) throw new Error(`${stories[0]} here, ${stories[1]} in the worker`);
console.log(stories[0]);
