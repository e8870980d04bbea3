/** A localisation on a chain of the kernel: the pure machine, with plain sockets in the place of the product. */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LocateAction,
  LocateEvent,
  LocateOptions,
  ProbeId,
} from '../../src/core/locate/locate-contract.js';
import type { Localization } from '../../src/core/locate/localization.js';
import { createLocate, locateStep } from '../../src/core/locate/locate-step.js';
import { testAt } from '../../src/core/locate/locate-state.js';
import type { Verdict } from '../../src/core/verdict.js';
import type { CellResult, ChainMode, ChainSockets } from './chain-sockets.js';

/** Milliseconds after which a localisation that has not ended is given up. */
const PATIENCE = 150_000;

/** Locates in real time. @throws when it does not end */
export async function locateAcross(
  sockets: ChainSockets,
  options: LocateOptions & { readonly mode: ChainMode },
): Promise<Localization> {
  let state = createLocate(options);
  const started = performance.now();
  const queue: LocateEvent[] = [{ kind: 'start' }];
  const later = (event: Promise<LocateEvent>): void => void event.then((each) => queue.push(each));

  /** A connection's whole life: the machine says when it is tested, which is known from the start. */
  const live = async (action: Extract<LocateAction, { kind: 'open' }>): Promise<LocateEvent> => {
    const { id, interval, client, responder } = action;
    const question = state.probes.find((probe) => probe.id === id)!.question;
    const cell = { k: client?.ttl ?? 0, m: responder?.ttl ?? 0 };
    const means = { client: client?.means ?? 'keepalive', responder: responder?.means ?? 'keepalive' };
    try {
      const result = await sockets.idle(cell, testAt(options, question), interval, options.mode, means);
      return verdictEvent(id, result);
    } catch {
      return { kind: 'open_failed', id };
    }
  };
  while (performance.now() - started < PATIENCE) {
    const event = queue.shift();
    if (event === undefined) {
      await sleep(20);
      continue;
    }
    const stepped = locateStep(state, (performance.now() - started) / 1000, event);
    state = stepped.state;
    for (const action of stepped.actions) {
      if (action.kind === 'conclude') return action.result;
      if (action.kind === 'open') later(live(action));
      if (action.kind === 'wake')
        later(
          sleep(Math.max(0, action.at * 1000 - (performance.now() - started))).then(() => ({ kind: 'tick' })),
        );
      if (action.kind === 'reach') {
        // Connections that have just begun: keepalives pass even a box that eats them later.
        const { side, ttls } = action;
        later(
          sockets.reach(side, ttls).then((acked) => ({
            kind: 'reached',
            side,
            acked: ttls.filter((_, index) => acked[index] === true),
          })),
        );
      }
    }
  }
  throw new Error('the localisation did not end');
}

function verdictEvent(id: ProbeId, { how, idle, arrivals }: CellResult): LocateEvent {
  const verdict: Verdict =
    how === 'answered' ? { kind: 'alive' } : { kind: 'dead', evidence: how === 'closed' ? 'closed' : how };
  return { kind: 'verdict', id, verdict, idle, arrivals };
}
