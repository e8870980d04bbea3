import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { hostOf, openableUrl, registerSiteInfo, schemeOf } from '../../src/web/site-info.js';

describe('the address of a site', () => {
  it.each([
    ['http://127.0.0.1:9825', 'http', '127.0.0.1'],
    ['https://[::1]:9825', 'https', '[::1]'],
    [undefined, 'http', undefined],
  ] as const)('%s has its scheme and host', (url, scheme, host) => {
    expect(schemeOf(url)).toBe(scheme);
    expect(hostOf(url)).toBe(host);
  });

  it.each([
    ['http://[::]:9825', '', 'http://localhost:9825/'],
    ['https://0.0.0.0:9825', '/nat-idle', 'https://localhost:9825/nat-idle/'],
    ['http://0.0.0.0', '', 'http://localhost/'],
    ['http://10.0.0.0:80', '', 'http://10.0.0.0:80/'],
    ['http://[::1]:80', '', 'http://[::1]:80/'],
  ])('%s with the prefix "%s" is opened as %s', (url, prefix, openable) => {
    expect(openableUrl(url, prefix)).toBe(openable);
  });

  it('is told by the newest info alone', async () => {
    const registry = new Registry();
    registerSiteInfo(registry, { scheme: 'http', routePrefix: '' });
    registerSiteInfo(registry, { scheme: 'https', routePrefix: '/a', externalUrl: 'https://b.example' });
    const [metric, ...others] = await registry.getMetricsAsJSON();
    expect(others).toEqual([]);
    expect(metric).toMatchObject({
      name: 'nat_idle_exporter_site_info',
      values: [
        { value: 1, labels: { external_url: 'https://b.example', scheme: 'https', route_prefix: '/a' } },
      ],
    });
    registerSiteInfo(registry, { scheme: 'http', routePrefix: '' });
    expect(await registry.metrics()).toContain('external_url="",scheme="http",route_prefix=""');
  });
});
