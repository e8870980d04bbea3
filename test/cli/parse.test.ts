import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SUBCOMMANDS } from '../../src/cli/exporter-flags.js';
import { UsageError } from '../../src/cli/flags.js';
import { parseCommandLine } from '../../src/cli/parse.js';
import { DEFAULT_LIMITS } from '../../src/responder/limits.js';

const parse = (argv: readonly string[], env: Record<string, string> = {}) =>
  parseCommandLine(argv, env, { version: '1.2.3' });

const LOG = { level: 'info', format: 'logfmt' };

describe('parseCommandLine()', () => {
  test('runs the exporter when there is nothing on the line', () => {
    expect(parse([])).toEqual({
      command: 'exporter',
      options: {
        isListenGiven: false,
        configAutoReload: false,
        configCheck: false,
        web: {
          listenAddresses: [{ port: 15_382 }],
          telemetryPath: '/metrics',
          routePrefix: '',
          enableLifecycle: false,
        },
        socketOptions: 'auto',
        log: LOG,
      },
      warnings: [],
    });
  });

  test('reads every flag of the exporter', () => {
    const line = parse([
      '--config.file=/etc/c.yaml',
      '--config.auto-reload',
      '--config.check',
      '--web.listen-address=:1',
      '--web.listen-address',
      '[::1]:2',
      '--web.telemetry-path=/m',
      '--web.route-prefix=/nat-idle/',
      '--web.config.file=web.yaml',
      '--web.allowed-host=NAT.example.',
      '--web.allowed-host',
      '*.Lab.example',
      '--web.enable-lifecycle',
      '--socket-options=off',
      '--log.level=debug',
      '--log.format=json',
    ]);
    expect(line).toEqual({
      command: 'exporter',
      options: {
        configFile: '/etc/c.yaml',
        isListenGiven: true,
        configAutoReload: true,
        configCheck: true,
        web: {
          listenAddresses: [{ port: 1 }, { host: '::1', port: 2 }],
          telemetryPath: '/m',
          routePrefix: '/nat-idle',
          configFile: 'web.yaml',
          allowedHosts: ['nat.example', '*.lab.example'],
          enableLifecycle: true,
        },
        socketOptions: 'off',
        log: { level: 'debug', format: 'json' },
      },
      warnings: [],
    });
  });

  test('limits the responder as docs/PROTOCOL.md says unless told otherwise', () => {
    const { maxConnections, maxConnectionsPerClient } = DEFAULT_LIMITS;
    expect(parse(['responder'])).toMatchObject({ options: { maxConnections, maxConnectionsPerClient } });
    const all = String(maxConnections).replace(/(?=000$)/, ' ');
    expect(readFileSync('docs/PROTOCOL.md', 'utf8')).toContain(
      `${maxConnectionsPerClient} connections a client and ${all} in all by default`,
    );
  });

  test('reads every flag of the responder', () => {
    const line = parse([
      'responder',
      '--socket-options=off',
      '--listen-address=:5382',
      '--listen-address=:443',
      '--legacy.echo-address=:31415',
      '--legacy.sleep-address=',
      '--token-file=t',
      '--max-connections=7',
      '--max-connections-per-client=3',
      '--workers=2',
      '--web.config.file=',
      '--web.external-url=https://mon.example/nat/',
    ]);
    expect(line).toEqual({
      command: 'responder',
      options: {
        listen: {
          native: [{ port: 5382 }, { port: 443 }],
          legacyEcho: [{ port: 31_415 }],
          legacySleep: [],
        },
        tokenFile: 't',
        maxConnections: 7,
        maxConnectionsPerClient: 3,
        workers: 2,
        web: {
          listenAddresses: [{ host: '127.0.0.1', port: 15_383 }],
          telemetryPath: '/metrics',
          routePrefix: '',
          externalUrl: 'https://mon.example/nat',
        },
        socketOptions: 'off',
        log: LOG,
      },
      warnings: [],
    });
  });

  test('reads --discovery of the responder, from the environment too', () => {
    const args = ['responder', '--token-file=t', '--web.config.file=w', '--web.listen-address=:15383'];
    expect(parse([...args, '--discovery'])).toMatchObject({ options: { discovery: { ttl: 900 } } });
    const env = { NAT_IDLE_DISCOVERY: 'true', NAT_IDLE_DISCOVERY_TTL: '1m' };
    expect(parse(args, env)).toMatchObject({ options: { discovery: { ttl: 60 } }, warnings: [] });
    // Said explicitly, even loopback is meant: something on this host may pass the list on.
    const tunnel = [...args.slice(0, -1), '--discovery'];
    const loopback = { NAT_IDLE_WEB_LISTEN_ADDRESS: '127.0.0.1:15383' };
    expect(parse(tunnel, loopback)).toMatchObject({ options: { discovery: { ttl: 900 } } });
    const off = parse([...args, '--discovery.ttl=1m']);
    expect(off.command === 'responder' && off.options).not.toHaveProperty('discovery');
  });

  test('reads every flag of measure', () => {
    const line = parse([
      'measure',
      '--socket-options=off',
      '[2001:db8::1]:99',
      '--mode=send,recv',
      '--max-idle=1h',
      '--resolution=1s',
      '--connections=8',
      '--deadline=500ms',
      '--verify',
      '--locate',
      '--profile',
      '--family=6',
      '--local-address=::1',
      '--json',
      '--report=out.md',
      '--flows=flows.csv',
      '--customer=Anna Schmidt',
      '--contract=DE-4711',
      '--ticket=T-9',
      '--time-zone=Europe/Berlin',
      '--redact',
      '--settings',
      '--quiet',
    ]);
    expect(line).toEqual({
      command: 'measure',
      options: {
        target: {
          name: '[2001:db8::1]:99',
          far_end: { kind: 'native', host: '2001:db8::1', port: 99 },
          modes: ['send', 'recv'],
          family: 6,
          local_address: '::1',
          labels: {},
          search: { min_idle: 15, max_idle: 3600, resolution: 1, connections: 8, deadline: 0.5, guard: 5 },
          locate: { every: 604_800, max_hops: 24, profile: true, refresh: 'auto', addresses: true },
        },
        json: true,
        report: { file: 'out.md', format: 'md' },
        flows: 'flows.csv',
        customer: 'Anna Schmidt',
        contract: 'DE-4711',
        ticket: 'T-9',
        timeZone: 'Europe/Berlin',
        redact: true,
        settings: true,
        quiet: true,
        acceptNewHostKey: false,
        socketOptions: 'off',
        verify: true,
        locate: true,
        log: { ...LOG, level: 'error' },
      },
      warnings: [],
    });
  });

  test.each([['ssh://h.example'], ['nat-tcp-test://h.example'], ['embedded']])(
    'refuses --locate where one end cannot keep connections fresh: %s',
    (host) => {
      expect(() => parse(['measure', host, '--locate'])).toThrow(
        /--locate: can only be used with protocol native/,
      );
    },
  );

  test('takes --profile only together with --locate', () => {
    expect(() => parse(['measure', 'h.example', '--profile'])).toThrow(
      '--profile: has no meaning without --locate',
    );
  });

  test('takes an address in brackets whatever it ends with', () => {
    expect(parse(['measure', '[2001:db8::1:5382]'])).toMatchObject({
      options: { target: { far_end: { host: '2001:db8:0:0:0:0:1:5382', port: 5382 } } },
    });
  });

  test('measures up to 2h10m in all modes unless told otherwise', () => {
    expect(parse(['measure', 'h.example'])).toMatchObject({
      options: { target: { modes: ['send', 'recv', 'keepalive'], search: { min_idle: 15, max_idle: 7800 } } },
    });
  });

  test('fits the search under a short --max-idle', () => {
    expect(parse(['measure', 'h.example', '--max-idle=20s'])).toMatchObject({
      options: { target: { search: { min_idle: 10, max_idle: 20, resolution: 2 } } },
    });
  });

  test('measures the built-in target with little patience, and a host of that name when it has a port', () => {
    expect(parse(['measure', 'embedded'])).toMatchObject({
      options: {
        target: {
          name: 'embedded',
          far_end: { kind: 'embedded', idle_timeout: 60 },
          search: { deadline: 2, max_idle: 7800 },
        },
      },
    });
    expect(parse(['measure', 'embedded', '--deadline=3s', '--max-idle=90s'])).toMatchObject({
      options: { target: { search: { deadline: 3, max_idle: 90 } } },
    });
    expect(parse(['measure', 'embedded:5382'])).toMatchObject({
      options: { target: { far_end: { kind: 'native', host: 'embedded', port: 5382 } } },
    });
  });

  test('measures over the legacy protocol on its own ports', () => {
    expect(parse(['measure', 'h.example', '--protocol=nat-tcp-test', '--sleep-port=5'])).toMatchObject({
      options: {
        target: { far_end: { kind: 'nat-tcp-test', host: 'h.example', echo_port: 31_415, sleep_port: 5 } },
      },
    });
  });

  test('takes a protocol, a user and a port from what stands before and behind a host', () => {
    const target = (...args: readonly string[]): unknown => {
      const { command, options } = parse(['measure', ...args]) as Extract<
        ReturnType<typeof parse>,
        { command: 'measure' }
      >;
      expect(command).toBe('measure');
      const { name, far_end, search } = options.target;
      return { name, far_end, longest: search.max_idle, connections: search.connections };
    };
    const ssh = { name: 'vps.example', longest: 7190, connections: 8 };
    expect(target('ssh://vps.example')).toEqual({ ...ssh, far_end: { kind: 'ssh', host: 'vps.example' } });
    expect(target('vps.example', '--protocol=ssh')).toEqual(target('ssh://vps.example'));
    expect(target('ssh://vps.example', '--protocol=ssh')).toEqual(target('ssh://vps.example'));
    expect(target('ssh://me@[2001:db8::1]:2222/', '--max-idle=1h', '--connections=12')).toEqual({
      name: '[2001:db8::1]:2222',
      far_end: { kind: 'ssh', host: '2001:db8::1', port: 2222, user: 'me' },
      longest: 3600,
      connections: 12,
    });
    expect(
      target('ssh://vps.example', '--user=me', '--identity-file=id', '--known-hosts-file=~/known'),
    ).toEqual({
      ...ssh,
      far_end: {
        kind: 'ssh',
        host: 'vps.example',
        user: 'me',
        identity_file: resolve('id'),
        known_hosts_file: '~/known',
      },
    });
    expect(target('nat-tcp-test://h.example')).toEqual({
      name: 'h.example',
      far_end: { kind: 'nat-tcp-test', host: 'h.example', echo_port: 31_415, sleep_port: 27_182 },
      longest: 7800,
      connections: 24,
    });
  });

  test.each([
    [
      ['measure', 'ssh://h', '--protocol=native'],
      'HOST[:PORT]: the scheme ssh:// contradicts --protocol=native',
    ],
    [
      ['measure', 'nat-tcp-test://h', '--protocol=ssh'],
      'HOST[:PORT]: the scheme nat-tcp-test:// contradicts --protocol=ssh',
    ],
    [
      ['measure', 'http://h'],
      'HOST[:PORT]: must have one of the schemes ssh://, nat-tcp-test:// or none, found http://h',
    ],
    [['measure', 'ssh://me@h', '--user=you'], 'HOST[:PORT]: the user before @ contradicts --user=you'],
    [['measure', 'ssh://me:secret@h'], 'HOST[:PORT]: must not hold a password'],
    [['measure', 'ssh://@h'], "--user: must not be empty, found ''"],
    [
      ['measure', 'nat-tcp-test://me@h'],
      'HOST[:PORT]: only ssh:// has a user before @, found nat-tcp-test://me@h',
    ],
    [
      ['measure', 'nat-tcp-test://h:7'],
      'HOST[:PORT]: can only be used with protocol native or ssh (nat-tcp-test has echo_port and sleep_port), found 7',
    ],
    [['measure', 'h', '--user=me'], '--user: can only be used with protocol ssh, found me'],
    [['measure', 'h', '--accept-new-host-key'], '--accept-new-host-key: can only be used with protocol ssh'],
    [
      ['measure', 'embedded', '--identity-file=id'],
      '--identity-file: has no meaning for the built-in target',
    ],
    [
      ['--web.listen-adress=:1'],
      "unknown option '--web.listen-adress=:1', did you mean --web.listen-address?",
    ],
    [['respnder'], 'unexpected argument respnder, did you mean responder?'],
    [
      ['--log.level=debug', 'responder'],
      'unexpected argument responder (a command comes first, its flags after it)',
    ],
    [['--config.file='], '--config.file: must not be empty'],
    [
      ['--web.telemetry-path=metrics'],
      '--web.telemetry-path: must begin with / and consist of letters, digits and / . _ ~ -, found "metrics"',
    ],
    [
      ['--web.telemetry-path=/a:b*(c'],
      '--web.telemetry-path: must begin with / and consist of letters, digits and / . _ ~ -, found "/a:b*(c"',
    ],
    [
      ['--web.telemetry-path=/-/healthy'],
      '--web.telemetry-path: belongs to another page, found "/-/healthy"',
    ],
    [
      ['responder', '--web.telemetry-path=/API/v1/targets'],
      '--web.telemetry-path: belongs to another page, found "/API/v1/targets"',
    ],
    ...[[''], ['http://nat.example'], ['nat.example:80'], ['*'], ['*.'], ['a b'], ['a.*.b']].map(
      ([host = '']): [string[], string] => [
        ['responder', `--web.allowed-host=${host}`],
        `--web.allowed-host: host must be a host name, an address, or *.NAME for the names below NAME, without scheme, port and path, found ${JSON.stringify(host)}`,
      ],
    ),
    [
      ['--web.allowed-host=nät.example'],
      '--web.allowed-host: host must be in ASCII, other letters as xn--…, found "nät.example"',
    ],
    [['--log.level=verbose'], '--log.level: must be one of debug, info, warn, error, found verbose'],
    [
      ['responder', '--discovery'],
      '--discovery: needs --token-file and --web.config.file (only who knows the token may announce an exporter, only who logs in may read the list)',
    ],
    [
      ['responder', '--discovery', '--token-file=t'],
      '--discovery: needs --web.config.file (only who knows the token may announce an exporter, only who logs in may read the list)',
    ],
    [
      ['responder', '--discovery', '--web.config.file=w'],
      '--discovery: needs --token-file (only who knows the token may announce an exporter, only who logs in may read the list)',
    ],
    [
      ['responder', '--discovery', '--token-file=t', '--web.config.file=w'],
      '--discovery: needs --web.listen-address (nobody but this host could read the list at 127.0.0.1:15383)',
    ],
    [['responder', '--discovery.ttl=2s'], '--discovery.ttl: must be from 3s to 1d, found 2s'],
    [['responder', '--discovery.ttl=25h'], '--discovery.ttl: must be from 3s to 1d, found 1d1h'],
    [
      ['responder', '--max-connections=0'],
      '--max-connections: must be a whole number from 1 to 10000000, found "0"',
    ],
    [['measure'], "missing required argument 'host'"],
    [['measure', 'embedded', '--family=4'], '--family: has no meaning for the built-in target'],
    [
      ['measure', 'embedded', '--echo-port=x'],
      '--echo-port: must be a whole number from 1 to 65535, found "x"',
    ],
    [['measure', 'h', '--max-idle=0'], '--max-idle: must be longer than 0s, found 0s'],
    [
      ['measure', 'h:1', '--protocol=nat-tcp-test'],
      'HOST[:PORT]: can only be used with protocol native or ssh (nat-tcp-test has echo_port and sleep_port), found 1',
    ],
    [['measure', 'h:99999'], 'HOST[:PORT]: port must be a number from 1 to 65535, found "h:99999"'],
    [['measure', 'h', '--mode=send,listen'], '--mode: must be one of send, recv, keepalive, found listen'],
    [
      ['measure', 'h', '--max-idle=90'],
      '--max-idle: duration without unit (write for example 90s), found "90"',
    ],
    [
      ['measure', 'h', '--max-idle=9s', '--resolution=9s'],
      '--resolution: must be shorter than max-idle (9s), found 9s',
    ],
    [['measure', 'h', '--report=r.pdf'], '--report: must end with .html, .md or .json, found r.pdf'],
    [['measure', 'h', '--flows=r.html'], '--flows: must end with .csv, found r.html'],
    [
      ['measure', 'h', '--time-zone=Berlin'],
      '--time-zone: must be a time zone such as Europe/Berlin, or UTC, found Berlin',
    ],
    [
      ['measure', 'h', '--customer=a\nb'],
      '--customer: must be one line without characters that cannot be seen, found "a\\nb"',
    ],
    [
      ['measure', 'h', `--ticket=${'x'.repeat(121)}`],
      '--ticket: must have at most 120 characters, found xxx',
    ],
    [['measure', 'h', '--family=5'], "--family: must be one of 4, 6, any, found '5'"],
    [
      ['measure', 'h', '--token-file=/nonexistent/token'],
      '--token-file: cannot be read: no such file, found /nonexistent/token',
    ],
    [['measure', 'h', '--push-proxy=http://p.example:1'], '--push-proxy: has no meaning without --push'],
    [['help', 'me'], 'unknown command me'],
  ])('%j is refused on one line', (argv, message) => {
    expect(() => parse(argv)).toThrow(UsageError);
    expect(() => parse(argv)).toThrow(message);
  });

  test.each([[['--help']], [['help']], [['-h']]])('%j prints the help of the exporter', (argv) => {
    const line = parse(argv);
    expect(line).toMatchObject({ command: 'help' });
    for (const word of [
      '--config.file',
      '--web.allowed-host',
      '--web.listen-address',
      'NAT_IDLE_WEB_LISTEN_ADDRESS',
      'measure',
    ]) {
      expect(line).toHaveProperty('text', expect.stringContaining(word));
    }
  });

  test.each(SUBCOMMANDS)('the help of the exporter names the command %s and its usage', (name) => {
    const line = parse(['--help']);
    const text = line.command === 'help' ? line.text : '';
    expect(text).toMatch(new RegExp(`^ {2}${name} +\\w`, 'm'));
    expect(text).toMatch(new RegExp(`^ {7}nat-idle-exporter ${name} .*\\[flags\\]$`, 'm'));
  });

  test('prints the help of a command', () => {
    expect(parse(['measure', '--help'])).toEqual(parse(['help', 'measure']));
    expect(parse(['measure', '--help'])).toHaveProperty('text', expect.stringContaining('Exit status'));
  });

  test('prints the version', () => {
    expect(parse(['--version'])).toEqual({ command: 'version', text: 'nat-idle-exporter 1.2.3\n' });
  });
});

describe('the environment', () => {
  test('sets what the line does not', () => {
    const env = {
      NAT_IDLE_CONFIG_FILE: 'env.yaml',
      NAT_IDLE_WEB_LISTEN_ADDRESS: ':1, [::1]:2',
      NAT_IDLE_WEB_ENABLE_LIFECYCLE: 'true',
      NAT_IDLE_CONFIG_CHECK: '0',
      NAT_IDLE_LOG_LEVEL: 'error',
    };
    expect(parse(['--log.level=warn'], env)).toMatchObject({
      options: {
        configFile: 'env.yaml',
        configAutoReload: false,
        configCheck: false,
        web: { listenAddresses: [{ port: 1 }, { host: '::1', port: 2 }], enableLifecycle: true },
        log: { level: 'warn' },
      },
      warnings: [],
    });
  });

  test('names several allowed hosts, of exporter and responder alike', () => {
    const env = { NAT_IDLE_WEB_ALLOWED_HOST: 'nat.example, *.lab.example' };
    for (const argv of [[], ['responder']]) {
      expect(parse(argv, env)).toMatchObject({
        options: { web: { allowedHosts: ['nat.example', '*.lab.example'] } },
        warnings: [],
      });
      expect(parse([...argv, '--web.allowed-host=only.example'], env)).toMatchObject({
        options: { web: { allowedHosts: ['only.example'] } },
      });
    }
    expect(() => parse([], { NAT_IDLE_WEB_ALLOWED_HOST: 'nat.example,*' })).toThrow(
      '--web.allowed-host: host must be',
    );
  });

  test('is checked like the line', () => {
    expect(() => parse([], { NAT_IDLE_CONFIG_CHECK: 'maybe' })).toThrow(
      'NAT_IDLE_CONFIG_CHECK: must be true or false, found "maybe"',
    );
    expect(() => parse([], { NAT_IDLE_LOG_LEVEL: 'loud' })).toThrow('--log.level: must be one of');
  });

  test('warns of variables that set nothing, and lets those of other commands and of orchestrators pass', () => {
    const env = {
      NAT_IDLE_CONFIG_FIL: 'x',
      NAT_IDLE_MAX_IDLE: '1h',
      NAT_IDLE_REVISION: '0123456789ab',
      NAT_IDLE_EXPORTER_SERVICE_HOST: '10.0.0.1',
      NAT_IDLE_EXPORTER_PORT_15382_TCP_ADDR: '10.0.0.1',
      HOME: '/',
    };
    expect(parse([], env)).toMatchObject({
      warnings: ['environment variable NAT_IDLE_CONFIG_FIL sets no flag, did you mean NAT_IDLE_CONFIG_FILE?'],
    });
  });
});
