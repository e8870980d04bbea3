import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configYaml } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError } from '../../src/config/problem.js';
import { parseConfig } from '../support/parse-config.js';

const folder = fileURLToPath(new URL('../fixtures/config/', import.meta.url));
const files = readdirSync(folder);
const invalid = files.filter((file) => /^invalid-.*\.yaml$/.test(file));
const valid = files.filter((file) => /^valid-.*\.yaml$/.test(file));

/** The problems of a file as the operator reads them, its folder left out. */
function complaintOf(path: string): string {
  try {
    loadConfig(path);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(folder, '');
    throw error;
  }
  return 'usable';
}

describe('the fixtures', () => {
  test('come in pairs of a file and its exact complaint', () => {
    expect(invalid.length).toBeGreaterThan(25);
    const complaints = files.filter((file) => file.endsWith('.txt'));
    expect(complaints).toEqual(invalid.map((file) => file.replace(/yaml$/, 'txt')));
  });

  test.each(invalid)('%s is refused with exactly the text beside it', (file) => {
    const expected = readFileSync(join(folder, file.replace(/yaml$/, 'txt')), 'utf8');
    expect(`${complaintOf(join(folder, file))}\n`).toBe(expected);
  });

  test.each(valid)('%s is accepted', (file) => {
    expect(complaintOf(join(folder, file))).toBe('usable');
  });

  test('no complaint repeats the secret that a misplaced key holds', () => {
    const file = 'invalid-unknown-key.yaml';
    expect(readFileSync(join(folder, file), 'utf8')).toContain('swordfish');
    expect(complaintOf(join(folder, file))).not.toContain('swordfish');
  });
});

describe('loadConfig()', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'nat-idle-config-'));
  });
  afterEach(() => {
    rmSync(scratch, { recursive: true });
  });

  test('fills in every default', () => {
    expect(loadConfig(join(folder, 'valid-minimal.yaml'))).toEqual({
      schedule: '*/5 * * * *',
      max_connections: 15_000,
      targets: [
        {
          name: 'vps',
          far_end: { kind: 'native', host: 'responder.example', port: 5382 },
          modes: ['send', 'recv', 'keepalive'],
          family: 'any',
          labels: {},
          search: { min_idle: 15, max_idle: 7800, resolution: 10, connections: 24, deadline: 8, guard: 5 },
          locate: { every: 604_800, max_hops: 24, profile: false, refresh: 'auto', addresses: true },
        },
      ],
    });
  });

  test("puts the file's search over the defaults and the target's over both", () => {
    const top = { min_idle: 20, max_idle: 86_400, resolution: 0.5, connections: 130, deadline: 3, guard: 0 };
    expect(loadConfig(join(folder, 'valid-full.yaml'))).toEqual({
      schedule: '0 */10 * * * *',
      state_dir: '/var/lib/nat-idle-exporter',
      max_connections: 15_000,
      targets: [
        {
          name: 'vps',
          far_end: { kind: 'native', host: '2001:db8::1', port: 443 },
          modes: ['send', 'recv'],
          family: 6,
          local_address: '2001:db8::2',
          token_file: resolve(folder, 'token'),
          announce: { address: ':8443', scheme: 'https', metrics_path: '/m', labels: { floor: '2' } },
          labels: { site: 'home', isp: 'example' },
          search: { ...top, connections: 2 },
          locate: { every: 604_800, max_hops: 24, profile: false, refresh: 'auto', addresses: true },
        },
        {
          name: 'legacy',
          far_end: { kind: 'nat-tcp-test', host: 'legacy.example', echo_port: 7, sleep_port: 27_182 },
          modes: ['recv'],
          family: 'any',
          labels: { site: 'home', isp: 'other' },
          search: top,
        },
        {
          name: 'shell',
          far_end: { kind: 'ssh', host: 'shell.example', user: 'me', identity_file: '~/.ssh/id_ed25519' },
          modes: ['send', 'recv', 'keepalive'],
          family: 'any',
          labels: { site: 'home', isp: 'third' },
          search: { ...top, max_idle: 3600 },
        },
        {
          name: 'embedded',
          far_end: { kind: 'embedded', idle_timeout: 60 },
          modes: ['send', 'recv', 'keepalive'],
          family: 'any',
          labels: { site: 'none', isp: 'none' },
          search: { ...top, guard: 1 },
        },
      ],
      remote_write: {
        url: 'https://metrics.example/api/v1/write',
        basic_auth: { username: 'me', password_file: resolve(folder, 'token') },
        tls_config: { ca_file: resolve(folder, 'token') },
        interval: 30,
        external_labels: { job: 'nat', instance: 'home', region: 'north' },
        queue_samples: 10_000,
      },
    });
  });

  describe('locate', () => {
    const byDefault = { every: 604_800, max_hops: 24, profile: false, refresh: 'auto', addresses: true };
    const locateOf = (outer: string, target: string): unknown =>
      parseConfig(`${outer}\ntargets: [{name: a, ${target}}]`, 'c.yaml').targets[0]?.locate;

    test.each([
      ['', 'host: a.example', byDefault],
      ['', 'host: a.example, locate: off', undefined],
      ['locate: off', 'host: a.example', undefined],
      ['locate: off', 'host: a.example, locate: {max_hops: 9}', { ...byDefault, max_hops: 9 }],
      [
        'locate: {every: 1d, addresses: false}',
        'host: a.example, locate: {max_hops: 9, every: 2d}',
        { ...byDefault, every: 172_800, addresses: false, max_hops: 9 },
      ],
      ['locate: {every: 1d}', 'host: a.example, protocol: ssh', undefined],
      ['locate: {every: 1d}', 'host: a.example, protocol: nat-tcp-test', undefined],
    ])('%s with %s', (outer, target, expected) => {
      expect(locateOf(outer, target)).toEqual(expected);
    });

    test('is off for the built-in target', () => {
      expect(
        parseConfig('targets: [{name: embedded, embedded: {}}]', 'c.yaml').targets[0]?.locate,
      ).toBeUndefined();
    });
  });

  test('fills in how an announced exporter is scraped', () => {
    const source = `targets: [{name: a, host: a.example, token_file: ${join(folder, 'token')}, announce: {address: 'b.example:1'}}]`;
    expect(parseConfig(source, 'c.yaml').targets[0]?.announce).toEqual({
      address: 'b.example:1',
      scheme: 'http',
      metrics_path: '/metrics',
      labels: {},
    });
  });

  test('says that a file is missing', () => {
    expect(complaintOf('/nonexistent/config.yaml')).toBe(
      '/nonexistent/config.yaml: cannot be read: no such file',
    );
  });

  test('says that a folder is not a file', () => {
    expect(complaintOf(scratch)).toBe(`${scratch}: cannot be read: is a directory`);
  });

  test('says that a file is not text', () => {
    const file = join(scratch, 'config.yaml');
    writeFileSync(file, Buffer.from([0x61, 0x3a, 0xff, 0xfe]));
    expect(complaintOf(file)).toBe(`${file}: must be UTF-8 text`);
  });

  test('blames a search that no target overrides once, where it stands', () => {
    const target = (name: string): string => `  - {name: ${name}, host: h.example}\n`;
    const source = `search: {min_idle: 3h}\ntargets:\n${target('a')}${target('b')}`;
    expect(() => parseConfig(source, 'c.yaml')).toThrow(
      new ConfigError([
        {
          file: 'c.yaml',
          path: 'search.min_idle',
          rule: 'must be shorter than max_idle (2h10m)',
          value: '3h',
        },
      ]),
    );
  });
});

describe('configYaml()', () => {
  test("leaves out the query of the receiver's URL, which may hold a key", () => {
    const source =
      'targets: [{name: a, host: a.example}]\nremote_write: {url: "http://m.example/w?key=swordfish"}';
    const shown = configYaml(parseConfig(source, 'c.yaml'));
    expect(shown).toContain('url: http://m.example/w\n');
    expect(shown).not.toContain('swordfish');
  });

  test('writes a file that is read back as the same configuration', () => {
    const config = loadConfig(join(folder, 'valid-full.yaml'));
    expect(parseConfig(configYaml(config), 'shown.yaml')).toEqual(config);
  });

  test('does not look at the files that it names: one may have vanished since', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'nat-idle-config-'));
    const token = join(scratch, 'token');
    writeFileSync(token, 'a secret of enough characters');
    const source = 'targets: [{name: a, host: a.example, token_file: token}]';
    const config = parseConfig(source, join(scratch, 'c.yaml'));
    rmSync(scratch, { recursive: true });
    expect(configYaml(config)).toContain(`token_file: ${token}`);
  });

  test('shows the path of a token and never its content', () => {
    const path = join(folder, 'token');
    const shown = configYaml(loadConfig(join(folder, 'valid-full.yaml')));
    expect(shown).toContain(`token_file: ${path}`);
    expect(shown).not.toContain(readFileSync(path, 'utf8').trim());
  });
});
