/** `audit`: a table of all paths that a Prometheus knows. */
import { AUDIT_FORMATS } from '../audit/audit-forms.js';
import { defined } from '../defined.js';
import type { Endpoint } from '../http/request.js';
import {
  header,
  headersOf,
  labels,
  lookback,
  matcher,
  moment,
  prometheusUrl,
  since,
} from './audit-values.js';
import { command } from './command.js';
import {
  csvFile,
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
import { logTable } from './shared-flags.js';

/** Who asks an HTTP service, and whom it trusts. */
export function accessTable(service: string) {
  return group('Access:', {
    username: optional('--username <name>', `user of ${service}, with --password-file`),
    passwordFile: optional('--password-file <file>', 'file with the password'),
    bearerTokenFile: optional('--bearer-token-file <file>', 'file with a token to show'),
    headers: list(
      '--header <header>',
      'header of every request, such as X-Scope-OrgID: north for a tenant',
      header,
    ),
    caFile: optional('--tls-ca-file <file>', 'certificates to trust instead of the usual ones'),
  });
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
    since: optional(
      '--since <time>',
      'also look at the period from then on: share of it, changes; such as 30d, or a time as for --at',
      since,
    ),
    matchers: list(
      '--match <matcher>',
      'only paths whose label matches, such as isp=north, site=~n.*, access!=dsl',
      matcher,
    ),
    lookback: text(
      '--lookback <duration>',
      'paths seen within it but not at that moment count as stale',
      '1d',
      lookback,
    ),
    worst: wholeNumber('--worst <n>', 'worst paths that are named of each group', 5, 0, 1000),
  }),
  access: accessTable('the Prometheus'),
  ...group('Output:', {
    json: on('--json', 'print the result as JSON'),
    report: reportFile(AUDIT_FORMATS),
    paths: csvFile('--paths <file>', 'write a line for each path'),
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

/** The service at an address and how it is approached. @throws UsageError for flags that exclude one another */
export function endpoint(
  url: string,
  { username, passwordFile, bearerTokenFile, caFile, headers }: ValuesOf<ReturnType<typeof accessTable>>,
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
      headers: headersOf(headers),
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
  options: ({ url, access, by, ...others }, isGiven): AuditFlags => {
    if (others.paths !== undefined && others.paths === others.report?.file)
      throw new UsageError('--paths: must not be the file of --report', others.paths);
    return {
      ...others,
      by: { labels: [...new Set(by.flat())], given: isGiven('--by') },
      prometheus: endpoint(url, access),
    };
  },
});
