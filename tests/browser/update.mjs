// Keeps a page that is a device of a fleet, and does what the test says on standard input, one JSON line each:
// {"ask": [FILES]}, {"feed": FILE}, {"reload": true}, {"rival": true}. Ends with its input.
// usage: node update.mjs PACKAGE FOLDER URL FLEET DEVICE MODEL INPUT
// Says {"ready": true}, {"event": ...} for events of the device, {"answers": [...], "loads": N} for what it was asked,
// {"refused": CODE} for a second device of the same name, in another page.
import { createInterface } from 'node:readline';
import { launch, say } from './chromium.mjs';
import { serve } from './server.mjs';

const [packaged, folder, url, fleet, device, model, input] = process.argv.slice(2);
const server = await serve({ package: packaged, models: folder, test: import.meta.dirname });
const browser = await launch();
try {
  let loads = 0;
  const page = await browser.context.newPage();
  await browser.context.exposeFunction('report', say);
  const start = async () => {
    loads += 1;
    await page.evaluate(startDevice, { url, fleet, device, model, input });
    say({ ready: true });
  };
  await page.goto(server.origin);
  await start();
  for await (const line of createInterface({ input: process.stdin })) {
    const { ask, feed, reload, rival } = JSON.parse(line);
    if (ask) say({ answers: await page.evaluate(askDevice, ask), loads });
    if (feed) await page.evaluate((file) => globalThis.busy.feed(file), feed);
    if (rival) {
      const other = await browser.context.newPage();
      await other.goto(server.origin);
      say({ refused: await other.evaluate(startRival, { url, fleet, device, model, input }) });
      await other.close();
    }
    if (reload) {
      await page.reload();
      await start();
    }
  }
  await page.evaluate(() => globalThis.busy.stop());
  // The broker is restarted by the test, which Chromium complains of while it is away.
  const faults = browser.faults.filter((fault) => !fault.includes(`WebSocket connection to '${url}`));
  if (faults.length > 0) throw new Error(faults.join('\n'));
} finally {
  await browser.close();
  server.close();
}

async function startDevice(settings) {
  const { Busy } = await import('/test/page.js');
  globalThis.busy = await Busy.start(settings, (event) => globalThis.report(event));
}

async function askDevice(files) {
  const { askAll } = await import('/test/page.js');
  return askAll(globalThis.busy.device.model, files);
}

async function startRival(settings) {
  const { Busy } = await import('/test/page.js');
  return Busy.start(settings, () => {}).then(() => 'nothing', ({ code }) => code);
}
