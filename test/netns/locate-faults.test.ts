/**
 * Faults on the kernel while the exporter looks for the box that forgets: nothing is claimed meanwhile, what happened is
 * told, it is tried again, and the right box is found after all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type ChainProduct, type TargetDocument, withChainProduct } from './chain-product.js';
import type { LabBox } from './chains.js';
import { OUTAGE } from './lab.js';
import { describeLab } from './requirements.js';
import { until } from './until.js';

/** Idle timeout of the box, seconds. */
const T = 6;
/** The NAT at hop 2 forgets. */
const BOXES: readonly LabBox[] = [{ kind: 'router' }, { kind: 'router', timeout: T, translates: true }];
const NAT = 1;
const SETTINGS =
  'search: {min_idle: 2s, max_idle: 9s, resolution: 1s, deadline: 2s, guard: 500ms, connections: 12}, locate: {max_hops: 4}';
/** The exporter has been here before: it looks for the box at once. */
const KNOWN = { lower: T - 0.3, deaths: [T + 0.2, T + 0.3, T + 0.4], compliant: false };
/** Connections of a localisation have idled for so long when it happens, milliseconds. */
const INTO_IT = 2000;
/** Between two looks, milliseconds. */
const LOOK_EVERY = 700;

interface Fault {
  readonly what: string;
  readonly happen: (product: ChainProduct) => Promise<unknown>;
  /** What the target's events say of it. */
  readonly told: RegExp;
  /** Why nothing is looked for any more, where it is not begun anew at once. */
  readonly rests?: RegExp;
}

const FAULTS: readonly Fault[] = [
  {
    what: 'a NAT that reboots',
    happen: ({ chain }) => chain.exec(NAT, 'conntrack', ['-F']),
    told: /^every mapping of the path vanished at once/,
  },
  {
    what: 'an outage of the uplink that outlasts the timeout',
    happen: async ({ chain }) => {
      await chain.exec(NAT, 'nft', ['-f', '-'], { input: OUTAGE });
      await sleep((T + 2) * 1000);
      await chain.exec(NAT, 'nft', ['delete', 'table', 'inet', 'outage']);
    },
    told: /^path does not answer/,
  },
  {
    what: 'a responder that restarts',
    happen: (product) => product.startResponder(),
    told: /^the far end was restarted/,
  },
  {
    what: 'another public address',
    happen: async ({ chain }) => {
      const [old, other] = ['1', '77'].map((host) => `${chain.server.v4.replace(/\d+$/, host)}/24`);
      const commands = [`add ${other}`, `del ${old}`, `replace ${other}`].map(
        (each) => `ip addr ${each} dev wan`,
      );
      await chain.exec(NAT, 'sh', ['-ec', [...commands, 'conntrack -F'].join('\n')]);
    },
    told: /^the box that forgets is not looked for any more: it is being checked with fewer connections/,
    rests: /^it is looked for again in \d+ min/,
  },
];

const sendOf = (target: TargetDocument | undefined) => target?.locating?.modes[0];

describeLab('in the middle of a localisation', () => {
  test.concurrent.each(FAULTS)(
    '$what makes no claim, is told, and the right box is found afterwards',
    { timeout: 300_000 },
    async ({ happen, told, rests }) => {
      await withChainProduct(BOXES, async (product) => {
        await product.startExporter(SETTINGS, KNOWN);
        const claims: unknown[] = [];
        const look = async (): Promise<TargetDocument | undefined> => {
          const target = await product.target();
          const found = sendOf(target)?.found;
          if (found !== undefined) claims.push(found);
          return target;
        };
        const events = async (): Promise<readonly string[]> =>
          (await look())?.events.map(({ text }) => text) ?? [];
        const untilLooked = <Answer>(
          what: string,
          asked: (target: TargetDocument | undefined) => Answer | false,
        ) => until<Answer>(what, 100_000, async () => asked(await look()), LOOK_EVERY);

        await untilLooked('connections idle', (target) => sendOf(target)?.running?.stage === 'rows');
        await sleep(INTO_IT);
        const before = Date.now() / 1000;
        await happen(product);
        await until('it is told', 60_000, async () => (await events()).some((text) => told.test(text)));
        if (rests !== undefined) {
          await untilLooked('it rests', (target) => rests.test(sendOf(target)?.why ?? ''));
          // Who remembers nothing of that does not wait.
          await product.startExporter(SETTINGS, KNOWN);
        }
        expect(claims).toEqual([]);
        const found = await untilLooked('the box is found', (target) => sendOf(target)?.found ?? false);
        expect(found).toMatchObject({ kind: 'router', hop: '2', kc: 2, ks: 1, place: 'cgn_hop' });
        // It rests on nothing that idled when it happened.
        expect(found.at - before).toBeGreaterThan(2 * T);
      });
    },
  );
});
