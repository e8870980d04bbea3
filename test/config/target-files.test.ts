import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/config/problem.js';
import { TargetFiles, type TargetFilesResult } from '../../src/config/target-files.js';
import { parseConfig } from '../support/parse-config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nat-idle-targets-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const config = (text = 'target_files: ["*.yaml", "*.json"]') => parseConfig(text, join(folder, 'config.yml'));
const names = ({ config: { targets } }: TargetFilesResult): string[] => targets.map(({ name }) => name);
const told = ({ broken }: TargetFilesResult): string[] =>
  broken
    .flatMap(({ problems }) => problems.map(formatProblem))
    .map((text) => text.replaceAll(`${folder}/`, ''));

describe('TargetFiles', () => {
  test('adds the targets of every file to those of the configuration, in the order of their paths', () => {
    write('b.yaml', '- {name: b, host: b.example}\n- {name: c, host: c.example, local_address: 127.0.0.7}');
    write('a.json', '[{"name": "a", "host": "a.example"}]');
    write('.hidden.yaml', '- {name: hidden, host: h.example}');
    const found = new TargetFiles().read(
      config(
        'search: {resolution: 30s}\ntarget_files: ["*.yaml", a.json]\ntargets: [{name: own, host: o.example}]',
      ),
    );
    expect(told(found)).toEqual([]);
    expect(names(found)).toEqual(['own', 'a', 'b', 'c']);
    expect(found.config.targets[3]).toMatchObject({ local_address: '127.0.0.7', search: { resolution: 30 } });
  });

  test("starts a token file's path at the folder of the target file", () => {
    mkdirSync(join(folder, 'sites'));
    write('sites/token', 'a secret of enough characters');
    write('sites/a.yaml', '- {name: a, host: a.example, token_file: token}');
    const found = new TargetFiles().read(config('target_files: ["sites/*.yaml"]'));
    expect(found.config.targets[0]?.token_file).toBe(join(folder, 'sites/token'));
  });

  test("reads the groups of Prometheus' file-based discovery", () => {
    write('a.json', '[{"targets": ["a.example:443", "[2001:db8::1]:5382"], "labels": {"isp": "x"}}]');
    const { targets } = new TargetFiles().read(config()).config;
    expect(targets.map(({ name, far_end, labels }) => [name, far_end, labels])).toEqual([
      ['a.example:443', { kind: 'native', host: 'a.example', port: 443 }, { isp: 'x' }],
      ['[2001:db8::1]:5382', { kind: 'native', host: '2001:db8::1', port: 5382 }, { isp: 'x' }],
    ]);
  });

  test.each([
    ['- {name: a, host: a.example, prot: 1}', 'a.yaml: [0].prot: unknown key, did you mean port?'],
    ['- {name: a, host: a.example', 'a.yaml: line 1, column 28: invalid YAML: '],
    ['', 'a.yaml: is empty'],
    ['hello', 'a.yaml: must be a list of targets, or have such a list under targets'],
    ['{targets: [], sites: []}', 'a.yaml: sites: unknown key (a file has targets and labels)'],
    ['{targets: [], labels: [x]}', 'a.yaml: labels: must be a mapping of label names to texts'],
    [
      '{targets: [{targets: [a.example, b.example]}], labels: {mode: x}}',
      'a.yaml: labels.mode: reserved label name: ',
    ],
    [
      '{targets: [{name: a, host: a.example, labels: {le: x}}]}',
      'a.yaml: targets[0].labels.le: reserved label name: ',
    ],
    [
      '{targets: [{name: a, host: a.example, prot: 1}]}',
      'a.yaml: targets[0].prot: unknown key, did you mean port?',
    ],
    [
      '- targets: ["2001:db8::1:5382"]',
      'a.yaml: [0].targets[0]: an IPv6 address stands in brackets: write [2001:db8::1]:5382, or [2001:db8::1:5382] without',
    ],
    [
      '- {name: a, host: "2001:db8:0:0:0:0:0:1:443"}',
      'a.yaml: [0].host: must not contain a port (write it as port)',
    ],
    ['- targets: ["a.example:0"]', 'a.yaml: [0].targets[0]: port must be a number from 1 to 65535, found '],
    [
      '- {targets: [a.example], modes: [send]}',
      'a.yaml: [0].modes: unknown key (a group has targets and labels)',
    ],
    ['- {targets: [a.example], labels: {mode: x}}', 'a.yaml: [0].labels.mode: reserved label name: '],
    [
      '- {name: a, host: h.example, search: {min_idle: 3h}}',
      'a.yaml: [0].search.min_idle: must be shorter than ',
    ],
  ])('refuses %s', (text, complaint) => {
    write('a.yaml', text);
    const found = new TargetFiles().read(config());
    expect(told(found)).toHaveLength(1);
    expect(told(found)[0]).toContain(complaint);
    expect(names(found)).toEqual([]);
  });

  test('misses a file that is named without wildcards', () => {
    expect(told(new TargetFiles().read(config('target_files: [a.yaml]')))).toEqual([
      'a.yaml: cannot be read: no such file',
    ]);
  });

  test('keeps the targets of a file that was broken, until it is whole again', () => {
    const files = new TargetFiles();
    write('a.yaml', '- {name: a, host: a.example}');
    expect(names(files.read(config()))).toEqual(['a']);
    write('a.yaml', '- {name: a, ho');
    expect(names(files.read(config()))).toEqual(['a']);
    write('a.yaml', '- {name: b, host: b.example}');
    expect(names(files.read(config()))).toEqual(['b']);
  });

  test('forgets the targets of a file that is gone', () => {
    const files = new TargetFiles();
    write('a.yaml', '- {name: a, host: a.example}');
    files.read(config());
    rmSync(join(folder, 'a.yaml'));
    expect(names(files.read(config()))).toEqual([]);
    write('a.yaml', '- {');
    expect(names(files.read(config()))).toEqual([]);
  });

  test('refuses a name that another file has, and keeps what does not collide', () => {
    const files = new TargetFiles();
    write('a.yaml', '- {name: a, host: a.example}');
    write('b.yaml', '- {name: b, host: b.example}\n- {name: c, host: c.example}');
    files.read(config());
    write('a.yaml', '- {name: a, host: a.example}\n- {name: b, host: b.example}');
    const moved = files.read(config());
    expect(names(moved)).toEqual(['a', 'b', 'c']);
    expect(told(moved)).toEqual(["b.yaml: the target's name must be unique, a.yaml has it too, found b"]);
  });

  test('takes targets whose label names are others: one that a target lacks is empty', () => {
    write('a.yaml', '- {targets: [a.example], labels: {isp: x}}\n- {targets: [b.example]}');
    write('b.yaml', '- {name: c, host: c.example, labels: {site: x}}');
    const found = new TargetFiles().read(config());
    expect(told(found)).toEqual([]);
    expect(found.config.targets.map(({ labels }) => labels)).toEqual([{ isp: 'x' }, {}, { site: 'x' }]);
  });

  test('takes numbers as they are written, and leaves out what only relabelling sees', () => {
    write(
      'a.yaml',
      '- targets: [a.example]\n  labels: {rack: 007, version: 1.10, spare: yes, own: true, big: 12345678901234567890, __meta_rack: 7}',
    );
    write('b.json', '[{"targets": ["b.example"], "labels": {"rack": 12, "__meta_x": "y"}}]');
    const found = new TargetFiles().read(config());
    expect(told(found)).toEqual([]);
    expect(found.config.targets.map(({ labels }) => labels)).toEqual([
      { rack: '007', version: '1.10', spare: 'yes', own: 'true', big: '12345678901234567890' },
      { rack: '12' },
    ]);
  });

  test('has labels for all of a file, over which those of an entry are laid', () => {
    write(
      'a.yaml',
      'labels: {isp: x, rack: 1}\ntargets:\n- {name: a, host: a.example}\n- {targets: [b.example], labels: {rack: 2}}',
    );
    const found = new TargetFiles().read(config());
    expect(told(found)).toEqual([]);
    expect(found.config.targets.map(({ name, labels }) => [name, labels])).toEqual([
      ['a', { isp: 'x', rack: '1' }],
      ['b.example', { isp: 'x', rack: '2' }],
    ]);
  });
});
