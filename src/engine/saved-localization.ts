/** What a state file holds of localisations, and how much of it can be believed when it is read back. */
import { z } from 'zod';
import { LATEST_MOMENT } from '../clock.js';
import { LONGEST_IDLE } from '../core/finding.js';
import type { LocateMemory } from '../core/locate/locate-memory.js';
import { NOT_LOCATED, type NotLocated } from '../core/locate/localization.js';
import { MODES } from '../core/modes.js';

/** No path that is looked at has more routers, and no text of an address is longer. */
const MOST_HOPS = 64;
const LONGEST_ADDRESS = 100;
/** No localisation asks more cells, by far. */
const MOST_CELLS = 10_000;

const hop = z.int().min(0).max(MOST_HOPS);
const count = z.int().min(0);
const seconds = z.number().min(0).max(LONGEST_IDLE);
const moment = z.number().min(0).max(LATEST_MOMENT);
const mode = z.enum(MODES);
const side = z.enum(['client', 'responder']);
const reason = z.enum(Object.keys(NOT_LOCATED) as NotLocated[]);
const address = z.string().max(LONGEST_ADDRESS);
const cells = z.array(z.object({ k: hop, m: hop, alive: count, dead: count })).max(MOST_CELLS);
const hops = z.object({ client: hop.exactOptional(), responder: hop.exactOptional() });

const evidence = z.object({
  mode,
  lower: seconds,
  upper: seconds,
  idle: seconds,
  interval: seconds,
  hops,
  cells,
  harm: cells,
  lost: z.object({ client: reason.exactOptional(), responder: reason.exactOptional() }),
});

const steps = { kc: hop, ks: hop };
const box = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('router'), hop, ...steps }),
  z.object({ kind: z.literal('transparent'), after: hop, ...steps }),
  z.object({ kind: z.literal('ttl_first'), hop, ...steps }),
  z.object({ kind: z.literal('several'), ...steps }),
  z.object({
    kind: z.literal('one_sided'),
    kc: hop.exactOptional(),
    ks: hop.exactOptional(),
    refreshedBy: side.exactOptional(),
  }),
]);

const result = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('located'), box, evidence }),
  z.object({ kind: z.literal('not_located'), reason, evidence }),
]);

const timeout = { lower: seconds, upper: seconds.exactOptional() };
const profile = z.object({
  at: moment,
  places: z
    .array(
      z.object({ hop: z.string().max(8), kind: z.enum(['router', 'transparent', 'ttl_first']), ...timeout }),
    )
    .max(MOST_CELLS),
  behind: z.object(timeout).exactOptional(),
});

const memory = z.object({
  entries: z
    .array(
      z.object({
        mode,
        at: moment,
        result,
        profile: profile.exactOptional(),
        address: address.exactOptional(),
        seen: address.exactOptional(),
      }),
    )
    .max(MODES.length),
  failed: z.array(z.object({ mode, times: count.max(1000), at: moment })).max(MODES.length),
  changed: z.array(mode).max(MODES.length),
  extraAt: moment.exactOptional(),
  hops,
  addresses: z.array(z.object({ hop, address })).max(MOST_HOPS),
});

/**
 * What was saved; undefined where it makes no sense.
 * @param latest Unix time before which all of it has happened, seconds
 */
export function parseSavedLocalization(value: unknown, latest: number): LocateMemory | undefined {
  const read = memory.safeParse(value).data;
  if (read === undefined) return undefined;
  const { extraAt, ...others } = read;
  const isPast = ({ at }: { readonly at: number }): boolean => at <= latest;
  return {
    ...others,
    entries: read.entries.filter(isPast).map(({ profile: measured, ...entry }) => ({
      ...entry,
      ...(measured !== undefined && isPast(measured) ? { profile: measured } : {}),
    })),
    failed: read.failed.filter(isPast),
    ...(extraAt === undefined || extraAt > latest ? {} : { extraAt }),
  };
}
