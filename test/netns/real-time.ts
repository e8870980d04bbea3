/**
 * Real seconds: kernel NATs with the timeouts that matter, side by side, each measured by the product with the
 * shipped schedule and search. Prints every change of what a mode publishes as a row of a Markdown table.
 *
 *     npm run lab:real-time -- [seconds=8400] [timeout...=3600 7430 7440 7445]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MODES, Product, published, type Published } from './product.js';

/** Between two looks at a metrics page, milliseconds. */
const LOOK_EVERY = 5000;

function cell(value: number | undefined): string {
  return value === undefined ? '–' : String(Math.round(value * 10) / 10);
}

function row(after: number, timeout: number, mode: string, now: Published): string {
  const values = [now.lower, now.upper, now.timeout, now.compliant].map(cell);
  return `| ${[after, timeout, mode, ...values].join(' | ')} |`;
}

/** Tells what is published until `seconds` are over. */
async function follow(product: Product, timeout: number, seconds: number): Promise<void> {
  const start = performance.now();
  const told = new Map<string, string>();
  for (;;) {
    const after = Math.round((performance.now() - start) / 1000);
    const page = await product.page();
    for (const mode of MODES) {
      const now = published(page, mode);
      const news = row(0, timeout, mode, now);
      if (told.get(mode) !== news) console.log(row(after, timeout, mode, now));
      told.set(mode, news);
    }
    if (after >= seconds) return;
    await sleep(LOOK_EVERY);
  }
}

const [seconds = 8400, ...given] = process.argv.slice(2).map(Number);
const timeouts = given.length > 0 ? given : [3600, 7430, 7440, 7445];
if (![seconds, ...timeouts].every((value) => Number.isInteger(value) && value > 0))
  throw new Error(`real-time: whole seconds, found ${process.argv.slice(2).join(' ')}`);

console.log(
  '| after, s | T, s | mode | lower, s | upper, s | timeout, s | compliant |\n|---|---|---|---|---|---|---|',
);
const products: Product[] = [];
try {
  for (const idleTimeout of timeouts)
    products.push(await Product.start({ box: 'strict', idleTimeout }, { search: 'shipped' }));
  await Promise.all(products.map((product, index) => follow(product, timeouts[index] ?? 0, seconds)));
} finally {
  await Promise.all(products.map((product) => product.close()));
}
