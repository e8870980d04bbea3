import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExporterFlags } from '../../src/cli/exporter-flags.js';
import { startExporter } from '../../src/commands/exporter.js';
import { ConfigError } from '../../src/config/problem.js';
import { countOpenDescriptors } from '../../src/descriptors.js';
import { lockDirectory } from '../../src/net/directory-lock.js';
import { until } from '../netns/until.js';

const BUILD = { version: '1', revision: 'a' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nat-idle-exporter-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Flags for a configuration with the embedded target. */
function flagsFor(port: number, more = ''): ExporterFlags & { readonly configFile: string } {
  const configFile = join(folder, 'config.yaml');
  writeFileSync(
    configFile,
    `state_dir: ${folder}/state\ntarget_files: ['${folder}/more-*.yaml']\ntargets: [{name: embedded, embedded: {}}]\n${more}`,
  );
  return {
    configFile,
    configAutoReload: false,
    configCheck: false,
    isListenGiven: true,
    socketOptions: 'off',
    web: {
      listenAddresses: [{ host: '127.0.0.1', port }],
      telemetryPath: '/metrics',
      routePrefix: '',
      enableLifecycle: false,
    },
    log: { level: 'error', format: 'logfmt' },
  };
}

describe('startExporter()', () => {
  it('frees everything that has started when it fails in the middle', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    // What the runtime opens with the first watcher and the first look-up stays open.
    await expect(startExporter(flagsFor(port), BUILD, [], 'nat-idle-exporter')).rejects.toThrow(ConfigError);
    const before = await countOpenDescriptors().catch(() => undefined);
    await expect(startExporter(flagsFor(port), BUILD, [], 'nat-idle-exporter')).rejects.toThrow(
      'already in use',
    );
    if (before !== undefined)
      await until('nothing more is open than before', 10_000, async () => {
        return (await countOpenDescriptors()) <= before;
      });
    await (await lockDirectory(join(folder, 'state'))).release();
    taken.close();
    await once(taken, 'close');
  });

  it('serves, reloads and stops; then nothing of it is left', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const flags = flagsFor(port);
    const running = await startExporter(flags, BUILD, [], 'nat-idle-exporter');
    const get = async (path: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).text();
    try {
      expect(await get('/metrics')).toContain('nat_idle_exporter_config_last_reload_successful 1\n');
      expect(await get('/config')).toContain('name: embedded');
      const other = await lockDirectory(join(folder, 'other'));
      writeFileSync(flags.configFile, `state_dir: ${folder}/other\ntargets: [{name: a, host: 127.0.0.1}]\n`);
      await running.reload?.();
      expect(await get('/metrics')).toContain('nat_idle_exporter_config_last_reload_successful 0\n');
      expect(await get('/config')).toContain('name: embedded');
      await other.release();
      await running.reload?.();
      expect(await get('/metrics')).toContain('nat_idle_exporter_config_last_reload_successful 1\n');
      expect(await get('/config')).toContain('name: a');
      await (await lockDirectory(join(folder, 'state'))).release();
    } finally {
      await running.stop();
    }
    await expect(get('/metrics')).rejects.toThrow();
    await (await lockDirectory(join(folder, 'other'))).release();
  });
});
