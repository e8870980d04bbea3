import { expect, test } from 'vitest';
import { FAR_END_KINDS, modesOf, timingOf } from '../../src/config/far-ends.js';
import { MODES } from '../../src/core/modes.js';
import { parseConfig } from '../support/parse-config.js';

test('a sleep server is asked at launch; every other test is timed while the connection idles', () => {
  const asked = FAR_END_KINDS.flatMap((kind) => MODES.map((mode) => [kind, mode, timingOf(kind, mode)]));
  expect(asked.filter(([, , timing]) => timing === 'at_launch')).toEqual([
    ['nat-tcp-test', 'recv', 'at_launch'],
  ]);
});

test.each([
  ['native', '{ name: vps, host: vps.example'],
  ['nat-tcp-test', '{ name: vps, host: vps.example, protocol: nat-tcp-test'],
  ['embedded', '{ name: embedded, embedded: {}'],
] as const)('a target of kind %s has the modes of its far end unless it names others', (kind, keys) => {
  const modesFor = (more: string): unknown =>
    parseConfig(`targets: [${keys}${more} }]`, 'config.yaml').targets[0]?.modes;
  expect(modesFor('')).toEqual(modesOf(kind));
  expect(modesFor(', modes: [keepalive, send]')).toEqual(['keepalive', 'send']);
});
