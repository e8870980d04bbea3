/** Requests as the browser of a visitor of another site makes them, and through a name that was bound anew. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Attack } from '../attack.js';

const CONFIG = 'targets: [{name: embedded, embedded: {idle_timeout: 60s}}]\n';
const FOREIGN: readonly (readonly [method: string, path: string, headers: Record<string, string>])[] = [
  ['POST', '/-/reload', { origin: 'http://attacker.example:8000' }],
  ['POST', '/-/reload', { origin: 'null' }],
  ['POST', '/-/reload', { 'sec-fetch-site': 'cross-site' }],
  ['PUT', '/-/reload', { host: 'rebound.example' }],
  ['POST', '/-/reload', { host: 'rebound.example', origin: 'http://rebound.example' }],
  ['GET', '/api/v1/targets', { host: 'rebound.example' }],
  ['GET', '/config', { host: 'rebound.example:15382' }],
  ['GET', '/', { host: 'rebound.example' }],
  ['GET', '/report/embedded', { host: 'rebound.example' }],
  ['GET', '/api/v1/events', { host: 'rebound.example' }],
  ['GET', '/api/v1/fragments?target=embedded', { host: 'rebound.example' }],
];
const OWN: typeof FOREIGN = [
  ['POST', '/-/reload', {}],
  ['GET', '/', { host: 'localhost' }],
  ['GET', '/metrics', { host: 'rebound.example' }],
];

export const attack: Attack = {
  about: 'POST /-/reload from pages of other sites; every page through a rebound name',
  criterion: 'none of it is answered with 200; own requests and /metrics are',
  run: async (house) => {
    const exporter = await house.exporter(CONFIG, ['--web.enable-lifecycle']);
    const ask = async ([method, path, headers]: (typeof FOREIGN)[number]): Promise<boolean> => {
      const sent = request(exporter.url + path, { method, headers, agent: false }).end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      sent.destroy();
      return response.statusCode === 200;
    };
    const taken = await Promise.all(FOREIGN.map(ask));
    const own = await Promise.all(OWN.map(ask));
    const through = FOREIGN.filter((_, index) => taken[index] === true).map(([, path]) => path);
    return {
      load: `${FOREIGN.length} requests`,
      held: through.length === 0 && own.every(Boolean),
      outcome: `${through.length} answered with 200`,
      figure:
        through.length > 0
          ? [...new Set(through)].join(' ')
          : `own requests: ${own.filter(Boolean).length} of ${own.length}`,
    };
  },
};
