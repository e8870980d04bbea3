/** A flood against a responder's native port while an honest client asks: how is the honest one served? */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack, Outcome } from '../attack.js';
import { type House, type Room, TOKEN } from './house.js';
import type { Victim } from './victim.js';

export interface Flood {
  readonly about: string;
  /** Flags of the responder beside its addresses. */
  readonly args?: readonly string[];
  readonly room?: Room;
  /** Whether the responder asks for a token, which only the honest client knows. */
  readonly token?: boolean;
  readonly seconds: number;
  /** Longest time of an honest exchange, milliseconds, where the machine itself is not slower than that. */
  readonly mostMs?: number;
  /** Most resident memory of a process, MB. */
  readonly mostMegabytes?: number;
  /** Begins the flood. @returns what it was, asked at its end */
  readonly begin: (house: House, far: Victim) => Promise<() => string> | (() => string);
}

const DEFAULTS = { mostMs: 1000, mostMegabytes: 300 } as const;
/** How long honest clients are watched before the flood: a busy machine is slow without it, too. */
const CONTROL_MS = 2000;
const SLOWER = 3;

export function flood(options: Flood): Attack {
  const { about, args = [], room, seconds, begin } = options;
  const { mostMs, mostMegabytes } = { ...DEFAULTS, ...options };
  return {
    about,
    criterion: `every honest client is served within ${mostMs} ms (or ${SLOWER} times as long as undisturbed), below ${mostMegabytes} MB`,
    run: async (house): Promise<Outcome> => {
      const token = options.token === true ? await house.write('token', TOKEN) : undefined;
      const secret = token === undefined ? [] : [`--token-file=${token}`];
      const far = await house.responder([...secret, ...args], room);
      const undisturbed = await house.honest(far.port, token);
      await sleep(CONTROL_MS);
      const control = await undisturbed();
      const cpu = far.cpu();
      const load = await begin(house, far);
      const honest = await house.honest(far.port, token);
      let most = 0;
      for (let second = 0; second < seconds; second += 1) {
        await sleep(1000);
        most = Math.max(most, far.megabytes());
      }
      const used = ((far.cpu() - cpu) / seconds) * 100;
      const seen = await honest();
      return {
        load: `${load()}, ${seconds} s`,
        held:
          seen.failed === 0 &&
          seen.served > 0 &&
          seen.max < Math.max(mostMs, SLOWER * control.max) &&
          most < mostMegabytes,
        outcome: `${seen.served} of ${seen.served + seen.failed} honest clients served${seen.failed > 0 ? ` (${seen.reason})` : ''}`,
        figure: `p50 ${seen.p50} ms, max ${seen.max} ms (undisturbed ${control.max} ms); RSS ≤ ${most.toFixed(0)} MB, ${used.toFixed(0)} % CPU`,
      };
    },
  };
}

/** Keeps so many connections open, opened anew whenever one ends. @returns how many were opened so far */
export function keepOpening(
  house: House,
  port: number,
  { rate, say, addresses = 20 }: { rate: number; say: (socket: Socket) => void; addresses?: number },
): () => number {
  let opened = 0;
  house.every(10, () => {
    for (let turn = 0; turn < rate / 100; turn += 1) {
      const socket = house.connect(port, `127.0.1.${1 + (opened % addresses)}`);
      opened += 1;
      socket.once('connect', () => say(socket));
      setTimeout(() => socket.destroy(), 2000);
    }
  });
  return () => opened;
}
