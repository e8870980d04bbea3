/** What the report says of where the box stands: the sentence, the path, and the evidence that others can check. */
import type { Mode } from '../core/modes.js';
import { plainSeconds } from '../core/human-duration.js';
import { cellLine, harmLine, outcomeOf } from '../core/locate/locate-words.js';
import { type Station, stationsOf } from '../core/locate/path-stations.js';
import { type Block, type Cell, tagged } from '../paper/blocks.js';
import { utcWords } from '../paper/document-values.js';
import type { LocalizationDocument } from './localization-document.js';
import { pathDrawing } from './path-drawing.js';

type Document = LocalizationDocument<string>;
type Found = NonNullable<Document['modes'][number]['found']>;
type Counted = Pick<Found['evidence']['cells'][number], 'alive' | 'dead'>;

/** Nothing where it was not looked for, or is not known yet. */
export function locatedBlocks(document: Document | undefined): (Block | undefined)[] {
  if (document === undefined) return [];
  return document.modes.flatMap(({ mode, found }) =>
    found === undefined ? [] : foundBlocks(mode, found, document),
  );
}

function foundBlocks(mode: Mode, found: Found, { addresses }: Document): (Block | undefined)[] {
  const { sentence, evidence, profile } = found;
  const stations = stationsOf({ ...found, hops: evidence.hops, addresses });
  return [
    sentence,
    stations === undefined ? undefined : drawing(stations),
    {
      kind: 'facts',
      facts: [
        ['Found', `${utcWords(found.at)} UTC, in mode ${mode}`],
        ['Idle, then tested', plainSeconds(evidence.idle_seconds)],
        ['Kept fresh every', plainSeconds(evidence.interval_seconds)],
        ['Routers counted from this end', numberWords(evidence.hops.client)],
        ['Routers counted from the far end', numberWords(evidence.hops.responder)],
        [
          'Addresses of routers',
          addresses.map(({ hop, address }) => `hop ${hop}: ${address}`).join(', ') || undefined,
        ],
      ],
    },
    rows(evidence),
    {
      kind: 'list',
      items: [
        ...evidence.cells.map((cell) => cellLine({ ...cell, k: cell.client_ttl, m: cell.responder_ttl })),
        ...evidence.harm.map((cell) => harmLine({ ...cell, k: cell.client_ttl, m: cell.responder_ttl })),
        ...(profile?.places ?? []).map((place) => place.sentence),
        ...(profile?.behind === undefined ? [] : [profile.behind.sentence]),
      ].map((text) => ({ text })),
    },
    {
      kind: 'small',
      text: 'While a connection idled, one end sent TCP keepalives with that TTL: boxes up to there remember the connection, those behind forget it. TTL 0: nobody sent anything. A hop is a router that lowers the TTL, counted from this end. Who runs it was not measured.',
    },
  ];
}

function numberWords(count: number | undefined): string | undefined {
  return count === undefined ? undefined : String(count);
}

/** Both rows, a column for each TTL. */
function rows({ client_row: client, responder_row: responder }: Found['evidence']): Block {
  const ttls = [...new Set([...client, ...responder].map(({ ttl }) => ttl))].sort((a, b) => a - b);
  const line = (words: string, row: Found['evidence']['client_row']): { cells: Cell[] }[] =>
    row.length === 0
      ? []
      : [{ cells: [words, ...ttls.map((ttl) => outcomeCell(row.find((cell) => cell.ttl === ttl)))] }];
  return {
    kind: 'table',
    dense: true,
    rowHeadings: true,
    columns: ['kept fresh by', ...ttls.map((ttl) => `TTL ${ttl}`)],
    rows: [...line('this end alone', client), ...line('the far end alone', responder)],
  };
}

function outcomeCell(counted: Counted | undefined): Cell {
  if (counted === undefined) return '';
  return { ...tagged(outcomeOf(counted), counted.alive >= counted.dead ? 'good' : 'bad'), tag: false };
}

function drawing(stations: readonly Station[]): Block {
  const words = stations.flatMap(({ kind, hop, address, mark }) => {
    if (kind === 'gap' && mark === undefined) return [];
    const name = {
      here: 'this end',
      far_end: 'far end',
      gap: 'something without an address',
      router: `hop ${hop}`,
    }[kind];
    return [`${name}${address === undefined ? '' : ` (${address})`}${mark === undefined ? '' : `, ${mark}`}`];
  });
  return {
    kind: 'figure',
    svg: pathDrawing(stations),
    alternative: `The path: ${words.join('; ')}.`,
    key: [],
    caption: 'From this end (left) to the far end. Dashed: something without an address.',
  };
}
