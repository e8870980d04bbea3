/** The flags of `audit`, checked. */
import { AUDIT_FORMATS } from '../audit/audit-forms.js';
import { httpUrlProblem } from '../config/fields.js';
import { pathLabelProblem } from '../config/labels.js';
import { showValue } from '../config/problem.js';
import type { Endpoint } from '../http/request.js';
import { parseDuration, type Seconds } from '../units.js';
import { DEFAULT_BY } from './commands.js';
import { type AuditFlags, UsageError } from './flags.js';
import { logFlags, reading, type Values, wholeNumber } from './values.js';

/** A moment as Prometheus takes it, too: `2026-11-28T12:00:00Z` or Unix seconds. */
function moment(text: string): Seconds {
  if (/^\d{1,11}(\.\d{1,3})?$/.test(text)) return Number(text);
  const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
  const milliseconds = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(milliseconds)) return milliseconds / 1000;
  const rule = 'must be a time such as 2026-11-28T12:00:00Z, or Unix seconds';
  throw new UsageError(`--at: ${rule}, found ${showValue(text)}`);
}

/** `--by`, which may be given several times and may list several labels. */
function labels(values: Values): string[] {
  const names = values
    .texts('--by', DEFAULT_BY)
    .flatMap((text) => text.split(',').map((name) => name.trim()));
  for (const name of names) {
    const wrong = pathLabelProblem(name);
    if (wrong !== undefined) throw new UsageError(`--by: ${wrong}, found ${showValue(name)}`);
  }
  return [...new Set(names)];
}

/** Whom to ask. What is wrong with the address may be a password in it: it is not repeated. */
function endpoint(values: Values): Endpoint {
  const url = values.text('--prometheus');
  if (url === undefined)
    throw new UsageError('--prometheus: is missing (for example --prometheus=http://localhost:9090)');
  const wrong = httpUrlProblem(url);
  const hint = wrong?.includes('password') === true ? ' (use --username and --password-file)' : '';
  if (wrong !== undefined) throw new UsageError(`--prometheus: ${wrong}${hint}`);
  if (url.includes('?')) throw new UsageError('--prometheus: must not have a query (?)');
  const username = values.text('--username');
  const passwordFile = values.text('--password-file');
  const bearerTokenFile = values.text('--bearer-token-file');
  const caFile = values.text('--tls-ca-file');
  if ((username === undefined) !== (passwordFile === undefined))
    throw new UsageError('--username: can only be used together with --password-file');
  if (username !== undefined && bearerTokenFile !== undefined)
    throw new UsageError('--bearer-token-file: cannot be used together with --username');
  return {
    url,
    ...(username === undefined || passwordFile === undefined
      ? {}
      : { basic_auth: { username, password_file: passwordFile } }),
    ...(bearerTokenFile === undefined ? {} : { bearer_token_file: bearerTokenFile }),
    ...(caFile === undefined ? {} : { tls_config: { ca_file: caFile } }),
  };
}

/** Flags of `audit`. */
export function auditFlags(values: Values): AuditFlags {
  const at = values.text('--at');
  const lookback = reading('--lookback', () => parseDuration(values.text('--lookback') ?? ''));
  if (lookback < 1 || !Number.isInteger(lookback))
    throw new UsageError(
      `--lookback: must be whole seconds and at least 1s, found ${showValue(values.text('--lookback'))}`,
    );
  const file = values.text('--report');
  const format = AUDIT_FORMATS.find((ending) => file?.endsWith(`.${ending}`));
  if (file !== undefined && format === undefined)
    throw new UsageError(`--report: must end with .html, .csv, .md or .json, found ${showValue(file)}`);
  return {
    prometheus: endpoint(values),
    by: { labels: labels(values), given: values.isGiven('--by') },
    ...(at === undefined ? {} : { at: moment(at) }),
    lookback,
    worst: wholeNumber(values, '--worst', 0, 1000),
    json: values.isOn('--json'),
    ...(file === undefined || format === undefined ? {} : { report: { file, format } }),
    log: logFlags(values),
  };
}
