/** Which box forgets, found by the product itself on chains of the kernel's boxes: `measure --locate`, and the exporter. */
import { expect, test } from 'vitest';
import { documentSchema } from '../../src/report/report-document.js';
import { TARGET, type TargetDocument, withChainProduct } from './chain-product.js';
import { type LabBox, missingForBridges } from './chains.js';
import { describeLab } from './requirements.js';
import { until } from './until.js';

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

describeLab(
  "the blog's modem in bridge mode",
  () => {
    test.concurrent('is found by measure --locate, with its evidence and its profile', {
      timeout: 300_000,
    }, async () => {
      await withChainProduct(BLOG_WITH_FIREWALL, async (product) => {
        const flags = [
          '--max-idle=19s',
          '--resolution=1s',
          '--deadline=3s',
          '--mode=send',
          '--json',
          '--quiet',
        ];
        const ended = await product.measure([...flags, '--locate', '--profile']);
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
      await withChainProduct(BLOG, async (product) => {
        await product.startExporter(
          'search: {min_idle: 4s, max_idle: 14s, resolution: 1s, deadline: 3s, guard: 1s, connections: 12}',
        );
        const sendOf = (target: TargetDocument | undefined) => target?.locating?.modes[0];
        const found = await until(
          'the box is found',
          280_000,
          async () => {
            const send = sendOf(await product.target());
            return send?.state === 'located' && send;
          },
          2000,
        );
        expect(found).toMatchObject({ state: 'located', found: BEFORE_HOP_1 });
        const metrics = await product.page('/metrics');
        expect(metrics).toContain(
          `nat_forgetting_box_info{target="${TARGET}",mode="send",hop="0-1",kind="transparent",place="before_hop_1"} 1`,
        );
        expect(metrics).toMatch(/^nat_localization_tests_total\{.*side="responder",verdict="dead"\} [3-9]/m);
        expect(metrics).toContain(`nat_search_suspect{target="${TARGET}",mode="send"} 0`);
        expect(metrics).toContain(`nat_probe_early_deaths_total{target="${TARGET}",mode="send"} 0`);
      });
    });
  },
  missingForBridges(),
);
