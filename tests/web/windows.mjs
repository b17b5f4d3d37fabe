// Windows and decisions of a stream with a gap and a repeated sample; `preparing.rs` makes the same natively.
import { Debounce, Windows, top } from "mote-web";

const sample = (index) => ((index * 37) % 101) / 8;
const said = {};
for (const order of ["time", "channel"]) {
  const windows = await Windows.create({ channels: 2, length: 5, hop: 3, order });
  const found = [];
  // Several samples at once, as they come from a driver.
  for (const [first, count] of [[0, 10], [9, 1], [10, 7], [20, 20]]) {
    const samples = Float32Array.from({ length: 2 * count }, (_, at) => sample(2 * first + at));
    for (const { data, finite } of windows.push(samples, first)) if (finite) found.push([...data]);
  }
  const { gaps, lost, late } = windows.stats;
  said[order] = { windows: found, stats: [gaps, lost, late].map(String) };
  windows.dispose();
}

const debounce = await Debounce.create({ needed: 2, of: 3, enter: 0.75, leave: 0.25 });
said.changes = [[0, 0.9], [0, 0.8], [1, 0.9], [1, 0.5], [0, 0.3], [1, 0.9], [1, 0.8], [0, 0.1], [2, 0.2], [2, 0.1]]
  .map(([label, score]) => debounce.label(label, score))
  .filter((change) => change !== undefined)
  .map(({ from, to }) => [from, to]);
said.top = top(Float32Array.of(2.5, 4, -1));
const windows = await Windows.create({ channels: 2, length: 5, hop: 5 });
const code = (error) => error.code;
said.refused = [
  await Windows.create({ channels: 0, length: 5, hop: 5 }).catch(code),
  await (async () => windows.push(new Float32Array(3)))().catch(code),
  await Debounce.create({ needed: 1, of: 3 }).catch(code),
];
console.log(JSON.stringify(said));
