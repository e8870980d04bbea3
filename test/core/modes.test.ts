import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MODE_ROWS, MODES } from '../../src/core/modes.js';
import { METRICS } from '../../src/exporter/metric-names.js';
import { formatDuration } from '../../src/units.js';

const DOCUMENT = readFileSync(new URL('../../docs/METRICS.md', import.meta.url), 'utf8');

test('docs/METRICS.md has the row of each mode, and of no other', () => {
  const [, table = ''] = DOCUMENT.split('| mode | over |');
  const written = (table.split('\n\n')[0] ?? '').split('\n').slice(2);
  expect(written).toEqual(
    MODES.map((mode) => {
      const { transport, meaning, requirement } = MODE_ROWS[mode];
      const { idle, clause, url, metric } = requirement;
      return `| ${mode} | ${transport.toUpperCase()} | ${meaning} | ${formatDuration(idle)} | [${clause}](${url}) | \`${metric}\` |`;
    }),
  );
});

test('what is required of a mode is said by a metric that there is', () => {
  const names: readonly string[] = Object.values(METRICS).map(({ name }) => name);
  for (const mode of MODES) expect(names).toContain(MODE_ROWS[mode].requirement.metric);
});
