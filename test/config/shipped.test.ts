import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../schemas/schemas.js';
import { DEFAULT_ECHO_PORT, DEFAULT_PORT, DEFAULT_SLEEP_PORT } from '../../src/config/far-ends.js';
import { loadConfig } from '../../src/config/load.js';
import { configJsonSchema, DEFAULT_SCHEDULE, DEFAULT_SEARCH } from '../../src/config/schema.js';
import { MODES } from '../../src/core/modes.js';
import { formatDuration } from '../../src/units.js';
import { parseConfig } from '../support/parse-config.js';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const source = readFileSync(root('config.yaml'), 'utf8');

describe('config.yaml', () => {
  test('measures the embedded target with a deadline of 2 s and the defaults otherwise', () => {
    expect(loadConfig(root('config.yaml'))).toEqual({
      schedule: DEFAULT_SCHEDULE,
      state_dir: './data',
      max_connections: 15_000,
      targets: [
        {
          name: 'embedded',
          far_end: { kind: 'embedded', idle_timeout: 60 },
          modes: MODES,
          family: 'any',
          labels: {},
          search: { ...DEFAULT_SEARCH, deadline: 2 },
        },
      ],
    });
  });

  test('has defaults in its commented keys', () => {
    // Only lines that are keys become keys again; prose stays a comment.
    const uncommented = source
      .split('targets:')[0]
      ?.replace(/^# (?=(schedule|search):|  \w+: )/gm, '')
      .concat('targets: [{name: a, host: a.example}]');
    const [target] = parseConfig(uncommented ?? '', 'config.yaml').targets;
    expect(uncommented).toMatch(/^schedule: /m);
    expect(uncommented?.match(/^ {2}\w+: /gm)).toHaveLength(Object.keys(DEFAULT_SEARCH).length);
    expect(target?.search).toEqual(DEFAULT_SEARCH);
  });

  test('shows targets that work once they are uncommented, with the default ports', () => {
    const examples = source
      .split('\n')
      .filter((line) => /^ {2}# (- name:| {2}\w+: )/.test(line))
      .map((line) => line.replace('# ', ''));
    const withoutToken = examples.filter((line) => !line.includes('token_file')).join('\n');
    const labelled = withoutToken.replace(
      /protocol: (nat-tcp-test|ssh)/g,
      '$&\n    labels: {site: a, isp: b}',
    );
    const { targets } = parseConfig(`targets:\n${labelled}\n`, 'config.yaml');
    expect(targets.map(({ far_end }) => far_end)).toEqual([
      { kind: 'native', host: 'responder.example', port: DEFAULT_PORT },
      {
        kind: 'ssh',
        host: 'vps.example',
        user: 'me',
        identity_file: '/etc/nat-idle-exporter/id_ed25519',
        known_hosts_file: '/etc/nat-idle-exporter/known_hosts',
      },
      {
        kind: 'nat-tcp-test',
        host: 'nat-test.example',
        echo_port: DEFAULT_ECHO_PORT,
        sleep_port: DEFAULT_SLEEP_PORT,
      },
    ]);
  });

  test('names the schema beside it for editors', () => {
    const [, path] = /^# yaml-language-server: \$schema=(.+)$/m.exec(source) ?? [];
    expect(existsSync(root(path ?? 'missing'))).toBe(true);
  });
});

describe('the JSON Schemas', () => {
  test.each(Object.entries(SCHEMAS))('%s is what `npm run generate` writes', (path, text) => {
    expect(readFileSync(root(path), 'utf8')).toBe(text);
  });

  test('of the configuration carries the defaults of the code', () => {
    expect(configJsonSchema()).toMatchObject({
      properties: {
        schedule: { default: DEFAULT_SCHEDULE },
        search: { properties: { max_idle: { default: formatDuration(DEFAULT_SEARCH.max_idle) } } },
      },
    });
  });
});
