import { describe, expect, it } from 'vitest';
import { KNOWN_TIMEOUTS, type KnownTimeout } from '../../src/core/known-timeouts.js';
import { RFC5382_REQ5 } from '../../src/core/requirements.js';

/**
 * Values that were looked for and not found in the sources read. They are listed so that nobody fills them in
 * from memory: a row needs a source.
 */
const NOT_FOUND: readonly string[] = [
  'Cisco ASR9K CGN',
  'Nokia 7750 SR',
  'A10 Thunder CGN',
  'F5 BIG-IP FastL4',
  'Check Point (TCP, said to be 3600 s)',
  'FortiGate global session-ttl (said to be 3600 s)',
  'Palo Alto Networks UDP (said to be 30 s)',
  'SonicWall, current releases',
  'Huawei NE40E CGN',
  'Ubiquiti',
  'VyOS (its documentation prints placeholders)',
  'Starlink',
  'mobile networks, carrier by carrier',
  'AWS NAT gateway UDP',
];

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function line(row: KnownTimeout): string {
  const short = row.tcpEstablished < RFC5382_REQ5.idle ? '**no**' : 'yes';
  return `| ${[
    cell(row.name),
    row.kind,
    String(row.tcpEstablished),
    short,
    row.udp === undefined ? 'not seen' : String(row.udp),
    row.onExpiry,
    row.evidence,
    row.note === undefined ? '' : cell(row.note),
    row.source.startsWith('http') ? `<${row.source}>` : cell(row.source),
  ].join(' | ')} |`;
}

function document(): string {
  const rows = [...KNOWN_TIMEOUTS].sort(
    (a, b) => a.tcpEstablished - b.tcpEstablished || a.name.localeCompare(b.name, 'en'),
  );
  const below = rows.filter((row) => row.tcpEstablished < RFC5382_REQ5.idle);
  return `# Known idle timeouts

What products and services say about how long they remember an idle TCP connection, each with its public source
(read in November 2026). The diagnosis uses the table as a hint, never as a proof: many boxes share a round value,
and every value can be changed by whoever runs the box. The table is generated from \`src/core/known-timeouts.ts\`;
after a change there run \`npx vitest run test/core/known-timeouts.test.ts -u\`.

${below.length} of ${rows.length} rows stay below the ${RFC5382_REQ5.idle} s of RFC 5382 REQ-5.

- **After expiry**: \`drop\` later packets vanish; \`reset\` they are answered with a RST; \`loose\` a packet from inside
  silently re-creates the mapping, so only the mode \`recv\` sees the timeout; \`unknown\` the source does not say.
- **Kind** \`measured\`: an observation on somebody's line, not a product's default. It is never named in a hint.

| product | kind | TCP, s | ≥ ${RFC5382_REQ5.idle} s | UDP, s | after expiry | evidence | note | source |
|---|---|---|---|---|---|---|---|---|
${rows.map(line).join('\n')}

## Looked for and not found

A row needs a source. These were searched for without finding one; corrections with a source are welcome.

${NOT_FOUND.map((name) => `- ${name}`).join('\n')}
`;
}

describe('KNOWN_TIMEOUTS', () => {
  it('every value is positive and every row names its source', () => {
    for (const row of KNOWN_TIMEOUTS) {
      expect(row.tcpEstablished, row.name).toBeGreaterThan(0);
      expect(row.udp ?? 1, row.name).toBeGreaterThan(0);
      expect(row.source.trim(), row.name).toMatch(/\S{3,}/);
    }
  });

  it('no row is listed twice', () => {
    expect(new Set(KNOWN_TIMEOUTS.map(({ name }) => name)).size).toBe(KNOWN_TIMEOUTS.length);
  });

  it('53 rows were carried over, 39 of them below 7440 s', () => {
    expect(KNOWN_TIMEOUTS).toHaveLength(53);
    expect(KNOWN_TIMEOUTS.filter(({ tcpEstablished }) => tcpEstablished < 7440)).toHaveLength(39);
  });

  it('docs/KNOWN-TIMEOUTS.md says the same', async () => {
    await expect(document()).toMatchFileSnapshot('../../docs/KNOWN-TIMEOUTS.md');
  });
});
