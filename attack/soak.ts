/** `npm run soak -- [MINUTES]`: both roles for an hour unless told otherwise; the figures go to docs/RELIABILITY.md. */
import { table, writeSection } from '../bench/document.js';
import { House } from './support/house.js';
import { growthOf, type Holding, median, soak } from './support/soak.js';

const DEFAULT_MINUTES = 60;
/** Looks in all. */
const LOOKS = 60;
const SHORTEST_INTERVAL = 3;

const FIGURES = {
  'descriptors open': (each) => String(each.descriptors),
  'descriptors without a connection': (each) => String(each.lost),
  timers: (each) => String(each.timers),
  'listeners of the process': (each) => String(each.listeners),
  'heap after a collection, MB': (each) => each.heap.toFixed(1),
  'resident memory, MB': (each) => each.resident.toFixed(0),
} satisfies Record<string, (each: Holding) => string>;

/** The figures of a role, the look of the middle of each quarter. */
function rows(role: string, holdings: readonly Holding[]): string[][] {
  const quarters = [0, 1, 2, 3].map((index) =>
    holdings.slice((index * holdings.length) / 4, ((index + 1) * holdings.length) / 4),
  );
  return Object.entries(FIGURES).map(([name, show]) => [
    `${role}: ${name}`,
    ...quarters.map((quarter) => {
      const values = quarter.map((each) => Number(show(each)));
      return `${median(values)} (${Math.min(...values)} – ${Math.max(...values)})`;
    }),
  ]);
}

async function main(minutes: number): Promise<number> {
  if (!(minutes >= 1)) {
    console.error('usage: npm run soak -- [MINUTES], at least 1');
    return 2;
  }
  const house = await House.open();
  try {
    const seconds = minutes * 60;
    const interval = Math.max(SHORTEST_INTERVAL, seconds / LOOKS);
    const { exporter, responder, tests, rounds } = await soak(house, seconds, interval, (role, holding) =>
      console.error(`${role} ${JSON.stringify(holding)}`),
    );
    const grown = [
      ...growthOf(exporter).map((what) => `exporter: ${what}`),
      ...growthOf(responder).map((what) => `responder: ${what}`),
    ];
    const text = [
      `Measured by \`npm run soak -- ${minutes}\` on Node ${process.version}: ${minutes} minutes, ${tests} tests of the exporter, ${rounds} rounds of the`,
      `storm against the responder, ${exporter.length} looks at each. Each cell is the middle of a quarter of the time (least – most).`,
      '',
      table(
        ['figure', 'first quarter', 'second', 'third', 'last'],
        [...rows('exporter', exporter), ...rows('responder', responder)],
      ),
      '',
      grown.length === 0 ? 'Nothing grew after the first quarter.' : `**Grew**: ${grown.join('; ')}.`,
    ].join('\n');
    console.log(text);
    writeSection('soak', text, 'docs/RELIABILITY.md');
    return grown.length === 0 ? 0 : 1;
  } finally {
    await house.close();
  }
}

process.exitCode = await main(Number(process.argv[2] ?? DEFAULT_MINUTES));
