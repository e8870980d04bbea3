/** The measurement as one document: what `measure --json` prints and every form of the report is rendered from. */
import { z } from 'zod';
import { FAR_END_KINDS } from '../config/far-ends.js';
import { PATH_CONDITIONS } from '../core/diagnosis/conditions.js';
import { PROOF_KINDS } from '../core/diagnosis/proof.js';
import { type Tried, TRIED_WORDS } from '../core/diagnosis/settings.js';
import type { PathVerdict } from '../core/diagnosis/path-verdict.js';
import type { Explanation } from '../core/diagnosis/explanation.js';
import { SEARCH_PHASES } from '../core/finding.js';
import { MODES } from '../core/modes.js';
import { VERDICT_REASONS, type VerdictReason } from '../core/verdict.js';
import { localizationSchema } from './localization-document.js';

/** Version of the document's shape; it changes when a field changes its meaning or goes away. */
export const DOCUMENT_VERSION = 1;

const seconds = z.number().min(0);
const moment = z.iso.datetime().describe('UTC time, ISO 8601');
const mode = z.enum(MODES);
const result = z.enum<PathVerdict['result'][]>(['compliant', 'not_compliant', 'unknown']);

const test = z.strictObject({
  at: moment,
  idle_seconds: seconds.describe('how long the connection had been idle'),
  verdict: z.enum([...new Set(Object.values(VERDICT_REASONS))]),
  reason: z
    .enum(Object.keys(VERDICT_REASONS) as VerdictReason[])
    .describe('the evidence of a death, or why a test says nothing'),
  local_address: z.string().optional().describe("this end's address and port as this host sees them"),
  seen_address: z.string().optional().describe("this end's address and port as the far end sees them"),
  remote_address: z.string().optional().describe("the far end's address and port"),
});

const modeResult = z.strictObject({
  mode,
  meaning: z.string().describe('who breaks the silence, in words'),
  result: result.describe('RFC 5382 REQ-5 for this mode; unknown until it is proven either way'),
  phase: z.enum(SEARCH_PHASES),
  timeout_seconds: seconds.optional().describe('best estimate; absent until there is a finding'),
  lower_bound_seconds: seconds.optional().describe('longest idle time that survived; absent while none did'),
  upper_bound_seconds: seconds
    .optional()
    .describe('shortest idle time that did not survive; absent while none died'),
  deaths: z.int().min(0).describe('independent deaths that agree with the upper bound'),
  mixture: z
    .strictObject({
      share: z.number().min(0).max(1),
      share_lower: z.number().min(0).max(1).describe('lower bound of the share at 95 % (Wilson)'),
      share_upper: z.number().min(0).max(1).describe('upper bound of the share at 95 % (Wilson)'),
      survived_seconds: seconds.describe('longest idle time that other connections survived'),
    })
    .optional()
    .describe('present where a share of the connections only is forgotten at the bracket'),
  suspect: z.boolean().describe('deaths below or survivals beyond the published bounds await confirmation'),
  confirmed: moment.optional().describe('when the newest evidence agreed with the value'),
  tests: z.array(test).describe('oldest first; the oldest may have been dropped'),
});

const explanation = z.strictObject({
  id: z.string(),
  certainty: z.enum<Explanation['certainty'][]>(['measured', 'likely', 'hint']),
  text: z.string(),
  evidence: z.array(z.string()),
});

/** The document's schema, docs/measure.schema.json; every duration is in seconds, unknown is absent and never 0. */
export const documentSchema = z
  .strictObject({
    version: z.literal(DOCUMENT_VERSION),
    generated: moment,
    program: z.strictObject({ name: z.literal('nat-idle-exporter'), version: z.string() }),
    redacted: z.boolean().describe('addresses and host names are replaced by placeholders'),
    complete: z
      .boolean()
      .describe(
        'false when the measurement ended before every mode had an answer, none contradicting another',
      ),
    reference: z
      .strictObject({
        customer: z.string().optional(),
        contract: z.string().optional(),
        ticket: z.string().optional(),
      })
      .optional()
      .describe("what the customer wrote for the reader's files; left out when redacted"),
    time_zone: z
      .string()
      .optional()
      .describe('IANA name of the zone in which local times are told beside UTC; left out when redacted'),
    target: z.strictObject({
      name: z.string(),
      protocol: z.enum(FAR_END_KINDS),
      host: z.string().optional(),
      address: z.string().optional().describe('the resolved address that was probed'),
      local_address: z.string().optional(),
      seen_address: z.string().optional().describe("this end's address as the far end sees it"),
      nat_detected: z.boolean().optional(),
      labels: z.record(z.string(), z.string()),
    }),
    search: z.strictObject({
      min_idle_seconds: seconds,
      max_idle_seconds: seconds,
      resolution_seconds: seconds,
      connections: z.int().min(1),
      deadline_seconds: seconds,
      guard_seconds: seconds,
    }),
    required_seconds: seconds.describe('RFC 5382 REQ-5'),
    verdict: z.strictObject({
      result,
      sentence: z.string(),
      conditions: z
        .array(z.enum(PATH_CONDITIONS))
        .describe('what was found about the path beside its timeouts; the sentence says it in words'),
    }),
    modes: z.array(modeResult),
    localization: localizationSchema(moment)
      .optional()
      .describe('which box on the path forgets; absent where that is not asked'),
    explanations: z.array(explanation),
    ruled_out: z.array(
      z.strictObject({
        cause: z.string(),
        status: z.enum(['ruled_out', 'possible', 'unknown']),
        why: z.string(),
      }),
    ),
    controls: z.array(z.string()).describe('what had to hold before a death was believed, with counts'),
    keepalive_recommended_seconds: z.int().min(1).optional(),
    keepalive_tried: z
      .array(
        z.strictObject({
          kind: z.enum(PROOF_KINDS).describe('what held a connection: TCP keepalives of the kernel, or data'),
          interval_seconds: z.int().min(1),
          held: z.boolean().describe('whether the connection lived when it was asked after three intervals'),
          at: moment,
        }),
      )
      .describe('what was tried here of the recommended interval and still counts; empty where nothing was'),
    settings: z.array(
      z.strictObject({
        product: z.string(),
        text: z.string(),
        tried: z.enum(Object.keys(TRIED_WORDS) as Tried[]).describe('held: proven here'),
      }),
    ),
    settings_left_out: z
      .array(z.strictObject({ product: z.string(), why: z.string() }))
      .describe('products whose settings do not help here'),
    ask: z.string().describe('what the operator of the path is asked to do'),
    events: z.array(z.strictObject({ at: moment, mode: mode.optional(), text: z.string() })),
    history: z
      .array(
        z.strictObject({
          at: moment,
          mode,
          timeout_seconds: seconds.optional(),
          lower_bound_seconds: seconds.optional(),
          upper_bound_seconds: seconds.optional(),
          compliant: z.boolean().optional(),
        }),
      )
      .describe('findings of the last 30 days, oldest first; empty where no history is kept'),
  })
  .meta({
    description: 'One measurement by nat-idle-exporter of one path.',
    title: 'nat-idle-exporter measure --json',
  });

export type ReportDocument = z.infer<typeof documentSchema>;
export type ModeResult = z.infer<typeof modeResult>;
export type TestResult = z.infer<typeof test>;
