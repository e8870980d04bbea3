/** Which box forgets, found by the product itself on chains of the kernel's boxes: `measure --locate`, and the exporter. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { TargetsDocument } from '../../src/exporter/api.js';
import { documentSchema } from '../../src/report/report-document.js';
import { type ChainLab, createChain, type LabBox, missingForBridges } from './chains.js';
import { describeLab } from './requirements.js';
import { inTurn } from './turns.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = ['dist/main.js'];
const T = 10;
/** A modem in bridge mode that tracks, before a static address translation. */
const BLOG: readonly LabBox[] = [
  { kind: 'bridge', timeout: T, revivedBy: 'inbound' },
  { kind: 'router', translates: true },
  { kind: 'router' },
  { kind: 'router' },
];
/** The same with a firewall at hop 3 that forgets later than connections idle for the localisation (T + 5.5 s). */
const FIREWALL_T = 17;
const BLOG_WITH_FIREWALL: readonly LabBox[] = [...BLOG.slice(0, 3), { kind: 'router', timeout: FIREWALL_T }];
const BEFORE_HOP_1 = { kind: 'transparent', hop: '0-1', place: 'before_hop_1', kc: 1, ks: 4 };

/** The chain with a responder at its far end. */
async function withResponder(
  boxes: readonly LabBox[],
  run: (chain: ChainLab) => Promise<void>,
): Promise<void> {
  const chain = await inTurn(async () => {
    const made = await createChain(boxes);
    const args = ['responder', '--listen-address=:5382', '--web.listen-address=127.0.0.1:15400'];
    const responder = made.spawn('server', process.execPath, [...PROGRAM, ...args], { cwd: ROOT });
    await responder.waitForLine(/responder listens/, 60_000);
    return made;
  });
  try {
    await run(chain);
  } finally {
    await chain.close();
  }
}

describeLab(
  "the blog's modem in bridge mode",
  () => {
    test.concurrent('is found by measure --locate, with its evidence and its profile', {
      timeout: 300_000,
    }, async () => {
      await withResponder(BLOG_WITH_FIREWALL, async (chain) => {
        const flags = [
          '--max-idle=19s',
          '--resolution=1s',
          '--deadline=3s',
          '--mode=send',
          '--json',
          '--quiet',
        ];
        const ended = await chain.exec(
          'client',
          process.execPath,
          [...PROGRAM, 'measure', chain.server.v4, ...flags, '--locate', '--profile'],
          { cwd: ROOT, mayFail: true },
        );
        expect(ended.stderr).toBe('');
        const { localization } = documentSchema.parse(JSON.parse(ended.stdout));
        expect(localization?.hops).toEqual({ client: 3, responder: 3 });
        const [send] = localization?.modes ?? [];
        expect(send).toMatchObject({ state: 'located', found: BEFORE_HOP_1 });
        expect(send?.found?.sentence).toContain('look at the modem (also in bridge mode)');
        // The routers told their addresses, as the chain has them.
        expect(localization?.addresses.map(({ hop }) => hop)).toEqual([1, 2, 3]);
        const decisive = send?.found?.evidence.client_row.filter(({ ttl }) => ttl <= 1);
        expect(decisive).toEqual([
          { ttl: 0, alive: 0, dead: 3 },
          { ttl: 1, alive: 3, dead: 0 },
        ]);
        const { places = [], behind } = send?.found?.profile ?? {};
        const forgetting = places.flatMap((place) =>
          place.upper_bound_seconds === undefined ? [] : place.hop,
        );
        expect(forgetting).toEqual(['0-1', '3']);
        for (const bracket of [behind, places.find(({ hop }) => hop === '3')]) {
          expect(bracket?.lower_bound_seconds).toBeGreaterThan(FIREWALL_T - 2);
          expect(bracket?.lower_bound_seconds).toBeLessThan(FIREWALL_T + 0.5);
          expect(bracket?.upper_bound_seconds).toBeGreaterThan(FIREWALL_T - 0.5);
          expect(bracket?.upper_bound_seconds).toBeLessThan(FIREWALL_T + 2);
        }
      });
    });

    test.concurrent('is found by the exporter, which goes on measuring', { timeout: 300_000 }, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'natlab-'));
      try {
        await withResponder(BLOG, async (chain) => {
          const search =
            '{min_idle: 4s, max_idle: 14s, resolution: 1s, deadline: 3s, guard: 1s, connections: 12}';
          const file = join(folder, 'config.yaml');
          writeFileSync(
            file,
            `state_dir: ${folder}\ntargets:\n  - {name: blog, host: ${chain.server.v4}, modes: [send], search: ${search}}\n`,
          );
          const args = [`--config.file=${file}`, '--web.listen-address=127.0.0.1:15382'];
          chain.spawn('client', process.execPath, [...PROGRAM, ...args], { cwd: ROOT });
          const fetched = async (path: string): Promise<string> => {
            const asked = await chain.exec('client', 'curl', ['-s', `http://127.0.0.1:15382${path}`], {
              mayFail: true,
            });
            return asked.stdout;
          };
          const until = performance.now() + 280_000;
          let found: unknown;
          for (;;) {
            const text = await fetched('/api/v1/targets');
            const document = text === '' ? undefined : (JSON.parse(text) as TargetsDocument);
            const [mode] = document?.targets[0]?.locating?.modes ?? [];
            found = mode;
            if (mode?.state === 'located' || performance.now() > until) break;
            await new Promise((resolve) => setTimeout(resolve, 2000));
          }
          expect(found).toMatchObject({ state: 'located', found: BEFORE_HOP_1 });
          const metrics = await fetched('/metrics');
          expect(metrics).toContain(
            'nat_forgetting_box_info{target="blog",mode="send",hop="0-1",kind="transparent",place="before_hop_1"} 1',
          );
          expect(metrics).toMatch(
            /^nat_localization_tests_total\{.*side="responder",verdict="dead"\} [3-9]/m,
          );
          expect(metrics).toContain('nat_search_suspect{target="blog",mode="send"} 0');
          expect(metrics).toContain('nat_probe_early_deaths_total{target="blog",mode="send"} 0');
        });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
  missingForBridges(),
);
