/** docs/RECIPES.md as written: its templates and its script on what a real exporter answers. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../netns/until.js';
import { Bench, type RunningExporter } from '../support/program.js';
import { requires } from '../support/requires.js';

const run = promisify(execFile);
const RECIPES = readFileSync(new URL('../../docs/RECIPES.md', import.meta.url), 'utf8');

/** The first block of code in a language. */
function block(language: string): string {
  const [, text] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(RECIPES) ?? [];
  if (text === undefined) throw new Error(`docs/RECIPES.md has no block of ${language}`);
  return text;
}

const RENDER = `
import json, sys, jinja2
asked = json.load(sys.stdin)
environment = jinja2.Environment()
print(json.dumps({name: environment.from_string(template).render(value_json=asked["value"])
                  for name, template in asked["templates"].items()}))
`;

interface HomeAssistant {
  readonly rest: readonly [
    {
      readonly sensor: readonly { readonly name: string; readonly value_template: string }[];
      readonly binary_sensor: readonly { readonly name: string; readonly value_template: string }[];
    },
  ];
}

/** What the sensors of Home Assistant show of an answer. */
function sensorsOf(value: unknown, target: string): Record<string, string> {
  const [{ sensor, binary_sensor: binary }] = (load(block('yaml')) as HomeAssistant).rest;
  const templates = Object.fromEntries(
    [...sensor, ...binary].map(({ name, value_template: template }) => [
      name,
      template.replaceAll("'vps'", `'${target}'`),
    ]),
  );
  const input = JSON.stringify({ value, templates });
  return JSON.parse(execFileSync('python3', ['-c', RENDER], { input }).toString()) as Record<string, string>;
}

requires({ packages: ['curl', 'jq', 'python3-jinja2'] }).describe('the recipes', () => {
  let bench: Bench;
  let exporter: RunningExporter;
  const heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const ntfy = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      heard.push({ headers: request.headers, body });
      response.end('{}');
    });
  });

  beforeAll(async () => {
    bench = await Bench.open();
    const search = '{min_idle: 1s, max_idle: 20s, resolution: 1s, connections: 12, deadline: 1s}';
    const config = await bench.write(
      'config.yaml',
      `targets:
  - {name: embedded, embedded: {idle_timeout: 4s}, search: ${search}}
  - {name: gone, host: 127.0.0.1, port: 1}
`,
    );
    exporter = await bench.exporter(config);
    await new Promise<void>((resolve) => ntfy.listen(0, '127.0.0.1', resolve));
  }, 60_000);
  afterAll(async () => {
    ntfy.close();
    await bench.close();
  });

  const answer = async (): Promise<unknown> => (await exporter.get('/api/v1/targets')).json();

  it('for Home Assistant: what is known, and nothing for what is not', { timeout: 120_000 }, async () => {
    const known = await until('a verdict', 100_000, async () => {
      const shown = sensorsOf(await answer(), 'embedded');
      return shown['NAT path'] === 'violating' && shown['NAT keepalive'] !== 'None' && shown;
    });
    expect(known).toMatchObject({ 'NAT forgets too early': 'True' });
    expect(Math.abs(Number(known['NAT idle timeout']) - 4)).toBeLessThan(1);
    expect(Number(known['NAT keepalive'])).toBeGreaterThanOrEqual(1);
    expect(known['NAT verdict']).toMatch(/^Not compliant: /);
    expect(sensorsOf(await answer(), 'gone')).toMatchObject({
      'NAT path': 'down',
      'NAT idle timeout': 'None',
      'NAT keepalive': 'None',
      'NAT forgets too early': 'False',
    });
  });

  it('for ntfy: one message for each change', async () => {
    const script = await bench.write('nat-idle-ntfy.sh', block('sh'));
    const topic = `http://127.0.0.1:${(ntfy.address() as AddressInfo).port}/topic`;
    const notify = (target: string): Promise<unknown> =>
      run('sh', [script, exporter.url, target, topic, join(bench.directory, `last-${target}`)]);
    for (const target of ['embedded', 'embedded', 'gone', 'gone']) await notify(target);
    expect(heard.map(({ headers }) => headers['title'])).toEqual(['embedded: violating', 'gone: down']);
    expect(heard[0]?.body).toMatch(/^Not compliant: /);
    expect(heard[1]?.body).toContain('refused');
    await expect(notify('nobody')).rejects.toThrow();
  });
});
