/** `audit`: a table of all paths that a Prometheus knows. */
import { AUDIT_FORMATS } from '../audit/audit-forms.js';
import { pathLabelProblem } from '../config/labels.js';
import { defined } from '../defined.js';
import type { Endpoint } from '../http/request.js';
import { parseDuration, type Seconds } from '../units.js';
import { command } from './command.js';
import {
  group,
  list,
  on,
  optional,
  reportFile,
  text,
  UsageError,
  type ValuesOf,
  wholeNumber,
} from './flags.js';
import { httpUrl, logTable } from './shared-flags.js';

/** A moment as Prometheus takes it, too: `2026-11-28T12:00:00Z` or Unix seconds. */
function moment(found: string): Seconds {
  if (/^\d{1,11}(\.\d{1,3})?$/.test(found)) return Number(found);
  const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
  const milliseconds = rfc3339.test(found) ? Date.parse(found) : Number.NaN;
  if (!Number.isNaN(milliseconds)) return milliseconds / 1000;
  throw new UsageError('must be a time such as 2026-11-28T12:00:00Z, or Unix seconds', found);
}

function lookback(found: string): Seconds {
  const duration = parseDuration(found);
  if (duration >= 1 && Number.isInteger(duration)) return duration;
  throw new UsageError('must be whole seconds and at least 1s', found);
}

function prometheusUrl(found: string): string {
  if (found === '') throw new UsageError('is missing (for example --prometheus=http://localhost:9090)');
  const url = httpUrl(found, ' (use --username and --password-file)');
  if (url.includes('?')) throw new UsageError('must not have a query (?)');
  return url;
}

/** Labels of one `--by`. */
function labels(found: string): string[] {
  const names = found.split(',').map((name) => name.trim());
  for (const name of names) {
    const wrong = pathLabelProblem(name);
    if (wrong !== undefined) throw new UsageError(wrong, name);
  }
  return names;
}

const table = {
  ...group('Question:', {
    /** What is wrong with it may be a password in it: it is not repeated. */
    url: text('--prometheus <url>', 'the Prometheus to ask (required)', undefined, prometheusUrl),
    by: list('--by <label>', 'label to group by; several stand for their combinations', labels, 'job'),
    /** Unix time in seconds; absent: now. */
    at: optional(
      '--at <time>',
      'the moment, such as 2026-11-28T12:00:00Z or Unix seconds (default: now)',
      moment,
    ),
    lookback: text(
      '--lookback <duration>',
      'paths seen within it but not at that moment count as stale',
      '1d',
      lookback,
    ),
    worst: wholeNumber('--worst <n>', 'worst paths that are named of each group', 5, 0, 1000),
  }),
  access: group('Access:', {
    username: optional('--username <name>', 'user of the Prometheus, with --password-file'),
    passwordFile: optional('--password-file <file>', 'file with the password'),
    bearerTokenFile: optional('--bearer-token-file <file>', 'file with a token to show'),
    caFile: optional('--tls-ca-file <file>', 'certificates to trust instead of the usual ones'),
  }),
  ...group('Output:', {
    json: on('--json', 'print the result as JSON'),
    report: reportFile(AUDIT_FORMATS),
  }),
  log: logTable('error'),
};

type Values = ValuesOf<typeof table>;

export type AuditFlags = Omit<Values, 'url' | 'by' | 'access'> & {
  /** The labels whose values make the groups, at least one; `given`: some path has to have each. */
  readonly by: { readonly labels: readonly string[]; readonly given: boolean };
  /** The Prometheus to ask, and how. */
  readonly prometheus: Endpoint;
};

function endpoint(
  url: string,
  { username, passwordFile, bearerTokenFile, caFile }: Values['access'],
): Endpoint {
  if ((username === undefined) !== (passwordFile === undefined))
    throw new UsageError('--username: can only be used together with --password-file');
  if (username !== undefined && bearerTokenFile !== undefined)
    throw new UsageError('--bearer-token-file: cannot be used together with --username');
  const named = username !== undefined && passwordFile !== undefined;
  return {
    url,
    ...defined({
      basic_auth: named ? { username, password_file: passwordFile } : undefined,
      bearer_token_file: bearerTokenFile,
      tls_config: caFile === undefined ? undefined : { ca_file: caFile },
    }),
  };
}

export const auditCommand = command({
  name: 'nat-idle-exporter audit',
  description:
    'Prints what a Prometheus knows of all paths: for each value of a label the number of paths, the share of ' +
    'compliant ones, the shortest and the median timeout, and the worst paths. It reads the metrics of the ' +
    'exporters; recording rules are not needed.',
  usage: '--prometheus=URL [flags]',
  table,
  footer: `

Exit status: 0 every path is compliant with RFC 5382 REQ-5, 1 some path is not, 2 usage error, 3 no verdict
(no path is proven not to be compliant but some are unknown, there is no path, or no usable answer).`,
  options: ({ url, access, by, ...others }, isGiven): AuditFlags => ({
    ...others,
    by: { labels: [...new Set(by.flat())], given: isGiven('--by') },
    prometheus: endpoint(url, access),
  }),
});
