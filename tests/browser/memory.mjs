// Opens and disposes of one model over and over in one page, and says what memory was held before and after.
// usage: node memory.mjs PACKAGE FOLDER NAME CYCLES
// Says {"before": {heap, resident}, "after": {heap, resident}} in bytes; `resident` is null where /proc is not Linux's.
import { readFileSync } from 'node:fs';
import { launch, say } from './chromium.mjs';
import { serve } from './server.mjs';

/** Cycles until caches and compilers have what they keep. */
const WARM = 20;

const [packaged, folder, name, cycles] = process.argv.slice(2);
const server = await serve({ package: packaged, models: folder, test: import.meta.dirname });
const browser = await launch();
try {
  const page = await browser.context.newPage();
  const session = await browser.context.newCDPSession(page);
  await session.send('Performance.enable');
  await page.goto(server.origin);
  await page.evaluate(cycle, { name, cycles: WARM });
  const before = await held(session);
  await page.evaluate(cycle, { name, cycles: Number(cycles) });
  say({ before, after: await held(session) });
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
  return { heap, resident: await resident() };
}

/** Resident memory of all renderers. */
async function resident() {
  if (process.platform !== 'linux') return null;
  const session = await browser.context.browser().newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => readFileSync(`/proc/${id}/statm`, 'utf8'));
  return pages.reduce((sum, statm) => sum + Number(statm.split(' ')[1]) * 4096, 0);
}
