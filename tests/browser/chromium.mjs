// Chromium for a test: no background traffic, no host but this machine, every fault of a page kept.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Packages of tests/browser/package.json, which lie below the target directory. */
export const packages = createRequire(join(process.env.MOTE_BROWSER_MODULES, 'package.json'));
const { chromium } = packages('playwright-core');

const FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-default-browser-check',
  '--no-first-run',
  '--no-proxy-server',
  // Whatever is asked for by name is not there.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** A browser, and a context whose pages may reach this machine alone. `faults` fills with what pages do wrong. */
export async function launch({ profile, flags = [] } = {}) {
  const executablePath = process.env.MOTE_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
  const settings = { executablePath, args: [...FLAGS, ...flags] };
  const browser = profile ? undefined : await chromium.launch(settings);
  const context = browser ? await browser.newContext() : await chromium.launchPersistentContext(profile, settings);
  const faults = [];
  const local = (url) => ['127.0.0.1', 'localhost', ''].includes(new URL(url).hostname);
  await context.route((url) => !local(url.href), (route) => {
    faults.push(`a request to ${route.request().url()}`);
    return route.abort();
  });
  const watch = (page) => {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
    page.on('crash', () => faults.push('the page crashed'));
    page.on('websocket', (socket) => {
      if (!local(socket.url())) faults.push(`a socket to ${socket.url()}`);
    });
  };
  context.on('page', watch);
  context.pages().forEach(watch);
  return { context, faults, close: () => (browser ?? context).close() };
}

/** Says something to the test that started this script: one line of JSON. */
export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
