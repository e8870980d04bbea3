import { expect, test } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
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
  ['ssh', '{ name: vps, host: vps.example, protocol: ssh'],
  ['embedded', '{ name: embedded, embedded: {}'],
] as const)('a target of kind %s has the modes of its far end unless it names others', (kind, keys) => {
  const modesFor = (more: string): unknown =>
    parseConfig(`targets: [${keys}${more} }]`, 'config.yaml').targets[0]?.modes;
  expect(modesFor('')).toEqual(modesOf(kind));
  expect(modesFor(', modes: [keepalive, send]')).toEqual(['keepalive', 'send']);
});

/** The first target of a file that holds these texts. */
function targetOf(keys: string, top = ''): TargetConfig {
  const [target] = parseConfig(
    `${top}\ntargets: [{ name: vps, host: vps.example${keys} }]`,
    'config.yaml',
  ).targets;
  if (target === undefined) throw new Error('no target');
  return target;
}

test("a port has its protocol's own default, and an SSH server's is left to whoever reads ~/.ssh/config", () => {
  expect(targetOf('').far_end).toEqual({ kind: 'native', host: 'vps.example', port: 5382 });
  expect(targetOf(', protocol: ssh').far_end).toEqual({ kind: 'ssh', host: 'vps.example' });
  expect(targetOf(', protocol: ssh, port: 22, user: me').far_end).toEqual({
    kind: 'ssh',
    host: 'vps.example',
    port: 22,
    user: 'me',
  });
});

test("a search has its protocol's own defaults where neither the file nor the target says otherwise", () => {
  const search = (keys: string, top = ''): unknown => {
    const { max_idle, connections, resolution } = targetOf(keys, top).search;
    return [max_idle, connections, resolution];
  };
  expect(search('')).toEqual([7800, 24, 10]);
  expect(search(', protocol: ssh')).toEqual([7190, 8, 10]);
  expect(search(', protocol: ssh, search: {connections: 12}')).toEqual([7190, 12, 10]);
  expect(search(', protocol: ssh', 'search: {max_idle: 1h, resolution: 5s}')).toEqual([3600, 8, 5]);
});
