// A browser for the tests: one line of JSON in, [command, argument], one line out, { result } or { error }.
// Chromium is Debian's; it reaches nothing but the loopback address.
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

const profile = mkdtempSync(`${tmpdir()}/coolantd-chromium-`);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  timezoneId: 'UTC',
  locale: 'en-GB',
  bypassCSP: false,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--enable-precise-memory-info',
    '--js-flags=--expose-gc',
  ],
});
const page = context.pages()[0] ?? (await context.newPage());
const debug = await context.newCDPSession(page);
await debug.send('Performance.enable');

/* The value of an expression: by the debugger, which the page's policy does not hold back. */
async function run(expression) {
  const { result, exceptionDetails } = await debug.send('Runtime.evaluate', {
    expression,
    returnByValue: true,
    awaitPromise: true,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function wait({ code, timeout }) {
  for (const end = Date.now() + timeout; !(await run(code).catch(() => false));) {
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${code}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
  }
}

const complaints = [],
  requests = [];
page.on('pageerror', (e) => complaints.push(String(e)));
page.on('console', (m) => (m.type() === 'error' ? complaints.push(m.text()) : undefined));
page.on('request', (r) => requests.push(r.url()));
// layout shifts since the page was opened
await page.addInitScript(() => {
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) window.shifts += e.value;
  }).observe({ type: 'layout-shift', buffered: true });
});

const commands = {
  open: (url) => page.goto(url),
  evaluate: run,
  wait,
  size: ([width, height]) => page.setViewportSize({ width, height }),
  media: (options) => page.emulateMedia(options),
  press: (key) => page.keyboard.press(key),
  click: (selector) => page.click(selector),
  screenshot: ({ path, full }) => page.screenshot({ path, fullPage: full, animations: 'disabled' }),
  axe: async () => {
    await run(axe.source);
    const found = await run(
      `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => ({ violations: r.violations }))`,
    );
    return found.violations.map(
      (v) =>
        `${v.id}: ${v.help}: ${v.nodes
          .slice(0, 3)
          .map((n) => `${n.target} ${n.any[0]?.message ?? ''}`)
          .join(' | ')}`,
    );
  },
  complaints: () => complaints.splice(0),
  requests: () => requests.splice(0),
  busy: async () => (await debug.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value, // s of the page's thread
  heap: () => run('gc(), performance.memory.usedJSHeapSize'),
};

console.log(JSON.stringify({ result: 'ready' }));
for await (const line of createInterface({ input: process.stdin })) {
  const [name, argument] = JSON.parse(line);
  let reply;
  try {
    const result = await commands[name](argument);
    reply = { result: name === 'open' ? null : (result ?? null) };
  } catch (e) {
    reply = { error: String(e) };
  }
  console.log(JSON.stringify(reply));
}
await context.close();
rmSync(profile, { recursive: true, force: true });
