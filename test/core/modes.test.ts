import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MODE_ROWS, MODES } from '../../src/core/modes.js';
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
  for (const mode of MODES)
    expect(DOCUMENT).toContain(`\n| \`${MODE_ROWS[mode].requirement.metric}\` | gauge | \`mode\` |`);
});
