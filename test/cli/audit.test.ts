import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/flags.js';
import { parseCommandLine } from '../../src/cli/parse.js';

const parse = (argv: readonly string[], env: Record<string, string> = {}) =>
  parseCommandLine(['audit', ...argv], env, { version: '1.2.3' });
const URL_FLAG = '--prometheus=http://p.example:9090';
const MATCHER_RULE = 'must be one of LABEL=VALUE, LABEL!=VALUE, LABEL=~REGEX, LABEL!~REGEX, without braces';
const HEADER_RULE = 'must be NAME: VALUE, such as X-Scope-OrgID: north, with a name of letters, digits and -';
const LABEL_RULE = 'invalid label name: must consist of letters, digits and _ and not begin with a digit';

describe('parseCommandLine() for audit', () => {
  test('needs nothing but the address', () => {
    expect(parse([URL_FLAG])).toEqual({
      command: 'audit',
      options: {
        prometheus: { url: 'http://p.example:9090' },
        by: { labels: ['job'], given: false },
        lookback: 86_400,
        matchers: [],
        worst: 5,
        json: false,
        log: { level: 'error', format: 'logfmt' },
      },
      warnings: [],
    });
  });

  test('reads every flag', () => {
    expect(
      parse([
        '--prometheus=https://p.example/prometheus/',
        '--by=isp,site',
        '--by=access',
        '--by=isp',
        '--at=2026-11-28T12:00:00+01:00',
        '--since=30d',
        '--match=isp=north',
        '--match=site=~"n.*,{1,2}"',
        '--match=access!=',
        '--header=X-Scope-OrgID: north',
        '--header=X-Key:a: b',
        '--paths=paths.csv',
        '--lookback=2h',
        '--worst=0',
        '--username=u',
        '--password-file=p',
        '--tls-ca-file=ca.pem',
        '--json',
        '--report=out.csv',
        '--log.level=debug',
        '--log.format=json',
      ]),
    ).toMatchObject({
      options: {
        prometheus: {
          url: 'https://p.example/prometheus/',
          basic_auth: { username: 'u', password_file: 'p' },
          tls_config: { ca_file: 'ca.pem' },
          headers: { 'X-Scope-OrgID': 'north', 'X-Key': 'a: b' },
        },
        by: { labels: ['isp', 'site', 'access'], given: true },
        at: Date.UTC(2026, 10, 28, 11) / 1000,
        since: { ago: 30 * 86_400 },
        matchers: ['isp="north"', 'site=~"n.*,{1,2}"', 'access!=""'],
        paths: 'paths.csv',
        lookback: 7200,
        worst: 0,
        json: true,
        report: { file: 'out.csv', format: 'csv' },
        log: { level: 'debug', format: 'json' },
      },
    });
  });

  test('reads them from the environment', () => {
    const env = {
      NAT_IDLE_PROMETHEUS: 'http://p.example',
      NAT_IDLE_BY: 'isp,site',
      NAT_IDLE_AT: '1790000000.5',
      NAT_IDLE_BEARER_TOKEN_FILE: 't',
      NAT_IDLE_REPORT: 'a.html',
    };
    expect(parse([], env)).toMatchObject({
      options: {
        prometheus: { url: 'http://p.example', bearer_token_file: 't' },
        by: { labels: ['isp', 'site'], given: true },
        at: 1_790_000_000.5,
        report: { file: 'a.html', format: 'html' },
      },
      warnings: [],
    });
  });

  test.each([
    [[], '--prometheus: is missing (for example --prometheus=http://localhost:9090)'],
    [['--prometheus=p.example:9090'], '--prometheus: must be a URL that begins with http:// or https://'],
    [
      ['--prometheus=http://u:hush@p.example'],
      '--prometheus: must not hold a user or a password (use --username and --password-file)',
    ],
    [['--prometheus=http://p.example/?key=hush'], '--prometheus: must not have a query (?)'],
    [[URL_FLAG, '--by=is-p'], `--by: ${LABEL_RULE}, found is-p`],
    [[URL_FLAG, '--by='], `--by: ${LABEL_RULE}, found ''`],
    [
      [URL_FLAG, '--by=mode'],
      '--by: is no label of a path: it tells the series of one path apart, found mode',
    ],
    [
      [URL_FLAG, '--at=yesterday'],
      '--at: must be a time such as 2026-11-28T12:00:00Z, or Unix seconds, found yesterday',
    ],
    [
      [URL_FLAG, '--at=2026-13-01T00:00:00Z'],
      '--at: must be a time such as 2026-11-28T12:00:00Z, or Unix seconds, found 2026-13-01T00:00:00Z',
    ],
    [
      [URL_FLAG, '--since=last month'],
      '--since: must be a duration such as 30d, a time such as 2026-11-28T12:00:00Z, or Unix seconds, found last month',
    ],
    [[URL_FLAG, '--match=north'], `--match: ${MATCHER_RULE}, found north`],
    [[URL_FLAG, '--match={isp="north"}'], `--match: ${MATCHER_RULE}, found '{isp="north"}'`],
    [[URL_FLAG, '--match='], `--match: ${MATCHER_RULE}, found ''`],
    [[URL_FLAG, '--match=is-p=north'], `--match: ${LABEL_RULE}, found is-p`],
    [
      [URL_FLAG, '--match=mode=send'],
      '--match: is no label of a path: it tells the series of one path apart, found mode',
    ],
    [[URL_FLAG, '--match=isp="north'], `--match: has a value whose quotes are not closed, found isp="north`],
    [[URL_FLAG, '--header=X-Scope-OrgID'], `--header: ${HEADER_RULE}`],
    [[URL_FLAG, '--header=X Scope: hush'], `--header: ${HEADER_RULE}`],
    [[URL_FLAG, '--header=: hush'], `--header: ${HEADER_RULE}`],
    [[URL_FLAG, '--header=X-Scope-OrgID: '], '--header: must have a value after X-Scope-OrgID:'],
    [
      [URL_FLAG, '--header=X-Scope-OrgID: a\r\nHost: hush'],
      '--header: must not have line breaks, control characters or letters beyond Latin-1 in X-Scope-OrgID',
    ],
    [
      [URL_FLAG, '--header=authorization: Bearer hush'],
      '--header: must not be authorization: use --username with --password-file, or --bearer-token-file',
    ],
    [[URL_FLAG, '--header=Host: x'], '--header: must not be Host, which the program sets itself'],
    [
      [URL_FLAG, '--header=X-Scope-OrgID: a', '--header=x-scope-orgid: b'],
      '--header: must not be said twice, found x-scope-orgid',
    ],
    [[URL_FLAG, '--paths=paths.txt'], '--paths: must end with .csv, found paths.txt'],
    [[URL_FLAG, '--report=a.csv', '--paths=a.csv'], '--paths: must not be the file of --report, found a.csv'],
    [[URL_FLAG, '--lookback=0'], "--lookback: must be whole seconds and at least 1s, found '0'"],
    [[URL_FLAG, '--lookback=1'], '--lookback: duration without unit (write for example 1s), found "1"'],
    [[URL_FLAG, '--worst=-1'], '--worst: must be a whole number from 0 to 1000, found "-1"'],
    [[URL_FLAG, '--report=out.pdf'], '--report: must end with .html, .csv, .md or .json, found out.pdf'],
    [[URL_FLAG, '--username=u'], '--username: can only be used together with --password-file'],
    [
      [URL_FLAG, '--username=u', '--password-file=p', '--bearer-token-file=t'],
      '--bearer-token-file: cannot be used together with --username',
    ],
    [[URL_FLAG, 'isp'], 'too many arguments. Expected 0 arguments but got 1.'],
  ])('refuses %j', (argv, message) => {
    expect(() => parse(argv)).toThrow(new UsageError(message));
  });

  test('is listed by the help, and has its own', () => {
    const help = (argv: readonly string[]): string => {
      const line = parseCommandLine(argv, {}, { version: '1.2.3' });
      return line.command === 'help' ? line.text : '';
    };
    expect(help(['--help'])).toMatch(/^ {2}audit +a table of all paths that a Prometheus knows/m);
    for (const text of [help(['audit', '--help']), help(['help', 'audit'])])
      expect(text).toMatch(/--prometheus <url>[^]*Exit status: 0 every path is compliant/);
  });
});
