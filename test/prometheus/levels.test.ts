/** The labels by which the recording rules compare a fleet. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { levelsWith, recordingRules, SHIPPED_LEVELS } from '../../prometheus/src/recording.js';
import { renderRecordingRules } from '../../prometheus/src/render.js';
import { requires } from '../support/requires.js';

describe('levelsWith()', () => {
  it('adds the labels of --by to the shipped ones, each once', () => {
    expect(levelsWith(['cpe', 'isp', 'isp, site', 'cpe'])).toEqual([
      ...SHIPPED_LEVELS,
      ['cpe'],
      ['isp', 'site'],
    ]);
  });

  it('takes the same labels in another order for the same level, and refuses names that mean two', () => {
    expect(levelsWith(['isp,site', 'site,isp'])).toEqual([...SHIPPED_LEVELS, ['isp', 'site']]);
    expect(() => levelsWith(['a,b_c', 'a_b,c'])).toThrow(
      new Error('--by: would record the same names as a,b_c, found a_b,c'),
    );
  });

  it.each([
    [
      'a-b',
      'invalid label name: must consist of letters, digits and _ and not begin with a digit, found "a-b"',
    ],
    [
      'isp,',
      'invalid label name: must consist of letters, digits and _ and not begin with a digit, found ""',
    ],
    ['mode', 'is no label of a path: it tells the series of one path apart, found "mode"'],
    ['compliance', 'the rules set this label themselves, found "compliance"'],
    ['__name__', 'reserved label name: names that begin with __ belong to Prometheus, found "__name__"'],
  ])('refuses %j', (value, message) => {
    expect(() => levelsWith([value])).toThrow(new Error(`--by: ${message}`));
  });
});

requires({ packages: ['prometheus'] }).describe('recordingRules()', () => {
  it('are valid for more labels and for combinations of them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nat-idle-rules-'));
    try {
      const levels = levelsWith(['cpe', 'isp,site']);
      expect(
        recordingRules(levels).filter(({ record }) => record === 'isp_site:nat_paths:ratio'),
      ).toHaveLength(3);
      const file = join(folder, 'rules.yml');
      writeFileSync(file, renderRecordingRules(undefined, levels));
      const { status, stdout } = spawnSync(
        'promtool',
        ['check', 'rules', '--lint=all', '--lint-fatal', file],
        {
          encoding: 'utf8',
        },
      );
      expect([status, stdout]).toEqual([
        0,
        expect.stringContaining(`SUCCESS: ${recordingRules(levels).length} rules`),
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
