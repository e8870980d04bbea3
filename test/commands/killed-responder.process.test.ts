import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bench, freePort } from '../support/program.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

it('says of a responder that was killed that it does not answer, and nothing of its probe connections', async () => {
  const port = await freePort();
  const responder = await bench.responder(port);
  const config = await bench.write(
    'config.yaml',
    `search: {min_idle: 5s, max_idle: 1m}\ntargets: [{name: far, host: 127.0.0.1, port: ${port}}]\n`,
  );
  const exporter = await bench.exporter(config);
  await exporter.process.waitForLine(/far answers/, 20_000);
  // A young connection ends like one that was never wanted.
  await sleep(1500);
  responder.signal('SIGKILL');
  await exporter.process.waitForLine(/far does not answer: .*refused/, 20_000);
  await sleep(6000);
  expect(exporter.process.stderr).not.toContain('end as soon as they are open');
  expect(exporter.process.stderr).not.toContain('stay open again');
}, 60_000);
