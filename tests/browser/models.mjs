// Opens every sealed model of a folder with the browser package and asks it, with a network and without.
// usage: node models.mjs PACKAGE FOLDER
// FOLDER holds trusted.keys, NAME.mote and NAME.SET.in. Says for each model {name, release, answers, audio, again}: the
// outputs in hex for each set, those of the audio thread, and both of the page loaded again while models cannot be fetched.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, say } from './chromium.mjs';
import { serve } from './server.mjs';

const [packaged, folder] = process.argv.slice(2);
const files = readdirSync(folder).sort();
const server = await serve({ package: packaged, models: folder, test: import.meta.dirname });
const browser = await launch();
try {
  const page = await browser.context.newPage();
  const names = files.filter((file) => file.endsWith('.mote')).map((file) => file.slice(0, -'.mote'.length));
  const setsOf = (name) => files.filter((file) => file.startsWith(`${name}.`) && file.endsWith('.in'));
  const asked = async (name) => page.evaluate(openAndAsk, { name, sets: setsOf(name) });

  await page.goto(server.origin);
  const first = [];
  for (const name of names) first.push(await asked(name));
  await page.reload();
  // Keys and inputs are the test's, models the network's.
  await page.route('**/models/*.mote', (route) => route.abort('internetdisconnected'));
  for (const [at, name] of names.entries()) say({ name, ...first[at], again: await asked(name) });
  const faults = browser.faults.filter((fault) => !fault.includes('ERR_INTERNET_DISCONNECTED'));
  if (faults.length > 0) throw new Error(faults.join('\n'));
} finally {
  await browser.close();
  server.close();
}

async function openAndAsk({ name, sets }) {
  const { open, askAll, askAudioThread } = await import('/test/page.js');
  const { model, sources } = await open(name);
  const { version, variant, digest } = model.release;
  const answers = await askAll(model, sets);
  const audio = await askAudioThread(model, sets);
  model.dispose();
  return { release: { version: Number(version), variant, digest }, sources, answers, audio };
}
