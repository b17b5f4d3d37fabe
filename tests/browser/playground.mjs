// Uses the playground as people do, by mouse and by keyboard alone, and says what it shows.
// usage: node playground.mjs PACKAGE ORIGIN TAMPERED
// TAMPERED is a sealed file that must be refused. Says {"policy"}, {"model", "same", "text", "bits"} for each model, {"keyboard"},
// {"violations", "theme", "width"} by axe-core, {"overflow"} in pixels, {"refused", "code"} and {"faults"}.
import { launch, packages, say } from './chromium.mjs';

const [, origin, tampered] = process.argv.slice(2);
const axe = packages('axe-core');
const browser = await launch();
try {
  const page = await browser.context.newPage();
  const response = await page.goto(origin);
  say({ policy: response.headers()['content-security-policy'] });
  const select = page.getByTestId('model-select');
  const mark = page.getByTestId('same-bits');
  await page.getByTestId('predict').waitFor();

  const models = await select.locator('option').allTextContents();
  for (const model of models) {
    await select.selectOption({ label: model });
    await page.locator(`[data-testid=card]`).filter({ hasText: model }).waitFor();
    const series = (await page.getByTestId('feeder').getAttribute('data-kind')) === 'series';
    await page.getByTestId(series ? 'series-next' : 'predict').click();
    await mark.waitFor();
    const bits = await page.getByTestId('local-result').first().getAttribute('data-bits');
    say({ model, same: await mark.getAttribute('data-same'), text: await mark.textContent(), bits });
  }

  say({ keyboard: await byKeyboard(page) });

  for (const [colorScheme, width] of [['light', 1280], ['dark', 1280], ['light', 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const described = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.flat().join(' ')).join(', ')}`);
    say({ violations: described, theme: colorScheme, width });
    say({ overflow: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth) });
  }

  await page.getByTestId('model-file').setInputFiles(tampered);
  const error = page.getByTestId('error');
  await error.waitFor();
  const shown = (await error.isVisible()) && (await page.getByRole('alert').filter({ has: error }).isVisible());
  say({ refused: shown && (await error.textContent()).trim(), code: await error.getAttribute('data-code') });
  say({ faults: browser.faults });
} finally {
  await browser.close();
}

/** Loads the page, goes to the next model and asks it, touching nothing but keys. Answers the mark. */
async function byKeyboard(page) {
  await page.goto(origin);
  await page.getByTestId('predict').waitFor();
  await tabTo(page, 'model-select');
  const before = await page.getByTestId('model-select').inputValue();
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction((before) => {
    const find = (root) => root.querySelector('[data-testid=model-select]') ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
    return find(document).value !== before;
  }, before);
  await page.getByTestId('predict').waitFor();
  await tabTo(page, 'predict');
  await page.keyboard.press('Enter');
  const mark = page.getByTestId('same-bits');
  await mark.waitFor();
  return mark.getAttribute('data-same');
}

async function tabTo(page, wanted) {
  const focused = () => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return active?.dataset.testid;
  };
  for (let presses = 0; presses < 200; presses += 1) {
    if ((await page.evaluate(focused)) === wanted) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${wanted}`);
}
