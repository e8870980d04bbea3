/** Which box forgets, as the JSON documents tell it: the report's own and that of `/api/v1/targets`. */
import { z } from 'zod';
import type {
  LocateRun,
  Locating,
  LocalizationTold,
  ModeLocating,
  Profile,
} from '../core/locate/locating.js';
import { rowCells, sharedCells } from '../core/locate/locating.js';
import { SIDES, type Side } from '../core/locate/locate-contract.js';
import {
  type CellCount,
  type ForgettingBox,
  type LocateEvidence,
  NOT_LOCATED,
  type NotLocated,
} from '../core/locate/localization.js';
import { evidenceLines, mendedSentence, profileSentence } from '../core/locate/locate-words.js';
import type { LocatedPlace } from '../core/locate/places.js';
import type { CellTimeout, ProfileEntry } from '../core/locate/profile.js';
import { MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { rounded } from '../paper/document-values.js';
import type { Seconds } from '../units.js';

const seconds = z.number().min(0);
const count = z.int().min(0);
const hops = z
  .strictObject({ client: count.optional(), responder: count.optional() })
  .describe('routers on the path as each end counts them; absent where it cannot');
const ttl = z.int().min(0);
const counted = { alive: count, dead: count };
const cells = z.array(
  z.strictObject({
    client_ttl: ttl.describe('0: not refreshed by that end'),
    responder_ttl: ttl,
    ...counted,
  }),
);
const row = z.array(z.strictObject({ ttl, ...counted }));
const notLocated = z.enum(Object.keys(NOT_LOCATED) as NotLocated[]);
const bracket = {
  lower_bound_seconds: seconds,
  upper_bound_seconds: seconds.optional().describe('absent where nothing died'),
};

/** The schema of a path's localisations. @param moment how the document writes moments */
export function localizationSchema<Moment extends z.ZodType>(moment: Moment) {
  const found = z.strictObject({
    at: moment.describe('when the newest run that counts ended'),
    sentence: z.string().describe('which box forgets, or why that is not known'),
    kind: z
      .enum<ForgettingBox['kind'][]>(['router', 'transparent', 'ttl_first', 'several', 'one_sided'])
      .optional(),
    hop: z
      .string()
      .optional()
      .describe(
        '3: a router; 1-2: between two; 1,3: the nearest and the farthest of several; empty: one end alone cannot tell',
      ),
    place: z
      .enum<LocatedPlace[]>([
        'own_host',
        'before_hop_1',
        'private_hop',
        'cgn_hop',
        'public_hop',
        'far_end',
        'unknown',
      ])
      .optional(),
    kc: ttl.optional().describe("smallest TTL with which this end's refreshes keep the box fresh"),
    ks: ttl.optional().describe('the same of the far end'),
    refreshed_by: z
      .enum(SIDES as [Side, ...Side[]])
      .optional()
      .describe('only packets of this end refresh the box'),
    reason: notLocated.optional().describe('why no box is named'),
    evidence: z.strictObject({
      ...bracket,
      idle_seconds: seconds.describe('how long connections idled'),
      interval_seconds: seconds.describe('time between two refreshes'),
      hops,
      client_row: row.describe('connections that this end alone kept fresh, by TTL; 0: nobody did'),
      responder_row: row.describe('the same of the far end'),
      cells: cells.describe('connections that both ends kept fresh'),
      harm: cells.describe('harm controls, tested below the idle timeout'),
      lost: z
        .strictObject({ client: notLocated.optional(), responder: notLocated.optional() })
        .describe("why an end's refreshes say nothing"),
      lines: z.array(z.string()).describe('the same in words'),
    }),
    profile: z
      .strictObject({
        at: moment.describe('when the newest of it was measured'),
        places: z.array(
          z.strictObject({
            hop: z.string(),
            kind: z.enum<ProfileEntry['kind'][]>(['router', 'transparent', 'ttl_first']),
            ...bracket,
            sentence: z.string(),
          }),
        ),
        behind: z
          .strictObject({ ...bracket, sentence: z.string() })
          .optional()
          .describe('what is left when the box that forgets is mended'),
      })
      .optional()
      .describe('the idle timeout of every place on the path; only where it was asked for'),
  });
  const mode = z.strictObject({
    mode: z.enum(MODES),
    state: z
      .enum<ModeLocating['state'][]>(['idle', 'running', 'located', 'not_located'])
      .describe('running: whatever an earlier run found, which stands beside it'),
    why: z.string().optional().describe('why it is idle'),
    running: z
      .strictObject({
        stage: z.enum<LocateRun['stage'][]>(['distances', 'rows', 'confirmation', 'profile']),
        connections: count,
        tests: count.describe('tests that said something so far'),
        left_seconds: seconds.describe('until it ends, when nothing comes in between'),
      })
      .optional(),
    found: found.optional().describe('what was found and still holds'),
  });
  return z.strictObject({
    hops,
    addresses: z
      .array(z.strictObject({ hop: z.int().min(1), address: z.string() }))
      .describe('routers that told their addresses; empty where nobody asks them'),
    modes: z.array(mode),
  });
}

/** The same as it is written. */
export type LocalizationDocument<Moment> = z.infer<ReturnType<typeof localizationSchema<z.ZodType<Moment>>>>;
type FoundDocument<Moment> = NonNullable<LocalizationDocument<Moment>['modes'][number]['found']>;

/**
 * The localisations of a path.
 * @param moment writes a Unix time as the document does
 */
export function localizationDocument<Moment>(
  { hops: counted, addresses, modes }: Locating,
  moment: (at: Seconds) => Moment,
): LocalizationDocument<Moment> {
  return {
    hops: { ...counted },
    addresses: addresses.map((each) => ({ ...each })),
    modes: modes.map(({ mode, state, why, running, found }) => ({
      mode,
      state,
      ...defined({ why }),
      ...(running && { running: runDocument(running) }),
      ...(found && { found: foundDocument(found, moment) }),
    })),
  };
}

function runDocument({ stage, connections, tests, left }: LocateRun) {
  return { stage, connections, tests, left_seconds: Math.round(left) };
}

function foundDocument<Moment>(
  { at, sentence, hop, place, result, profile }: LocalizationTold,
  moment: (at: Seconds) => Moment,
): FoundDocument<Moment> {
  return {
    at: moment(at),
    sentence,
    ...(result.kind === 'located' ? boxDocument(result.box) : { reason: result.reason }),
    ...defined({ hop, place }),
    evidence: evidenceDocument(result.evidence),
    ...(profile && { profile: profileDocument(profile, moment) }),
  };
}

function boxDocument(box: ForgettingBox) {
  const { kind, kc, ks } = box;
  return {
    kind,
    ...defined({ kc, ks, refreshed_by: box.kind === 'one_sided' ? box.refreshedBy : undefined }),
  };
}

function evidenceDocument(evidence: LocateEvidence): FoundDocument<unknown>['evidence'] {
  const { lower, upper, idle, interval, harm } = evidence;
  return {
    ...bracketDocument({ lower, upper }),
    idle_seconds: rounded(idle),
    interval_seconds: rounded(interval),
    hops: { ...evidence.hops },
    client_row: [...rowCells(evidence, 'client')],
    responder_row: [...rowCells(evidence, 'responder')],
    cells: sharedCells(evidence).map(cellDocument),
    harm: harm.map(cellDocument),
    lost: { ...evidence.lost },
    lines: [...evidenceLines(evidence)],
  };
}

function cellDocument({ k, m, alive, dead }: CellCount) {
  return { client_ttl: k, responder_ttl: m, alive, dead };
}

function profileDocument<Moment>(
  { at, places, behind }: Profile,
  moment: (at: Seconds) => Moment,
): NonNullable<FoundDocument<Moment>['profile']> {
  return {
    at: moment(at),
    places: places.map((entry) => ({
      hop: entry.hop,
      kind: entry.kind,
      ...bracketDocument(entry),
      sentence: profileSentence(entry),
    })),
    ...(behind && { behind: { ...bracketDocument(behind), sentence: mendedSentence(behind) } }),
  };
}

function bracketDocument({ lower, upper }: CellTimeout) {
  return {
    lower_bound_seconds: rounded(lower),
    ...(upper === undefined ? {} : { upper_bound_seconds: rounded(upper) }),
  };
}
