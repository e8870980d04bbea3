import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepOptions, keptOptions, optionsOf } from '../../prometheus/src/generator-options.js';
import { renderAlerts } from '../../prometheus/src/render.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';

let folder = '';
let root: URL;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nat-idle-generator-'));
  mkdirSync(join(folder, 'prometheus'));
  root = pathToFileURL(`${folder}/`);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** One run of a generator. */
function run(...args: readonly string[]) {
  const options = optionsOf(root, args);
  keepOptions(root, options);
  return options;
}

test('a run without arguments makes what the one before was told', () => {
  expect(run()).toEqual({});
  expect(run('--runbook=https://wiki.example/nat')).toEqual({ runbook: 'https://wiki.example/nat' });
  expect(run('--by=cpe')).toEqual({ runbook: 'https://wiki.example/nat', by: ['cpe'] });
  expect(run()).toEqual({ runbook: 'https://wiki.example/nat', by: ['cpe'] });
});

test('an empty value forgets', () => {
  run('--runbook=https://wiki.example/nat', '--by=cpe');
  expect(run('--runbook=')).toEqual({ by: ['cpe'] });
  expect(run('--by=')).toEqual({});
  expect(keptOptions(root)).toEqual({});
});

test('a runbook elsewhere is what every alert links to', () => {
  const rules = renderAlerts({ thresholds: SHIPPED_THRESHOLDS, runbook: 'https://wiki.example/nat' });
  expect(rules).toContain('runbook_url: "https://wiki.example/nat#natidletargetdown"');
  expect(rules).not.toContain('/runbook#');
});
