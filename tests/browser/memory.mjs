// Opens and disposes of one model over and over in one page, CYCLES times and again as often, and says what memory was held
// before and after the second half.
// usage: node memory.mjs PACKAGE FOLDER NAME CYCLES
// Says {"before": {heap, resident}, "after": {heap, resident}} in bytes; `resident` is null where /proc is not Linux's.
import { readFileSync } from 'node:fs';
import { launch, say } from './chromium.mjs';
import { serve } from './server.mjs';

const [packaged, folder, name, cycles] = process.argv.slice(2);
const server = await serve({ package: packaged, models: folder, test: import.meta.dirname });
const browser = await launch();
try {
  const page = await browser.context.newPage();
  const session = await browser.context.newCDPSession(page);
  await session.send('Performance.enable');
  await page.goto(server.origin);
  // In the first cycles collector, caches and allocators take what they then keep; what leaks goes on taking.
  await page.evaluate(cycle, { name, cycles: Number(cycles) });
  const before = await held(session);
  await page.evaluate(cycle, { name, cycles: Number(cycles) });
  const after = await held(session);
  // Chromium keeps a process in reserve for the next page and starts it when it likes: what was not there before is not this page's.
  const resident = ({ processes }) => total(Object.entries(processes).filter(([id]) => id in before.processes && id in after.processes));
  say({ before: { heap: before.heap, resident: resident(before) }, after: { heap: after.heap, resident: resident(after) } });
  if (browser.faults.length > 0) throw new Error(browser.faults.join('\n'));
} finally {
  await browser.close();
  server.close();
}

// The sealed file is fetched once: what drives the page keeps every response that it sees, in the page's process.
async function cycle({ name, cycles }) {
  const { ask, bytes, keys, Model } = await import('/test/page.js');
  const [file, input, trusted] = await Promise.all([bytes(`/models/${name}.mote`), bytes(`/models/${name}.00.in`), keys()]);
  for (let at = 0; at < cycles; at += 1) {
    const model = await Model.open(file, trusted);
    ask(model, input);
    model.dispose();
  }
}

async function held(session) {
  // What is freed only by a second collection, such as what finalizers let go of, is free as well.
  for (let pass = 0; pass < 3; pass += 1) await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
  return { heap, processes: await renderers() };
}

/** Resident memory of each renderer, by its process. */
async function renderers() {
  if (process.platform !== 'linux') return {};
  const session = await browser.context.browser().newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const pages = processInfo.filter(({ type }) => type === 'renderer');
  return Object.fromEntries(pages.map(({ id }) => [id, Number(readFileSync(`/proc/${id}/statm`, 'utf8').split(' ')[1]) * 4096]));
}

/** The sum, or null where there is nothing to add. */
function total(processes) {
  return processes.length > 0 ? processes.reduce((sum, [, bytes]) => sum + bytes, 0) : null;
}
