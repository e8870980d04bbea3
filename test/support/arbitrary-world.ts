/** Feeds a search with whatever could happen, likely or not, and records what it asks for. */
import { connectionsOf, createSearch, step } from '../../src/core/search/step.js';
import type { SearchState } from '../../src/core/search/state.js';
import type {
  ConnectionId,
  Hint,
  SearchAction,
  SearchEvent,
  SearchOptions,
} from '../../src/core/search/contract.js';
import type { Random } from './prng.js';

/** One step of a search with all that led to it. */
export interface Observed {
  readonly before: SearchState;
  readonly at: number;
  readonly event: SearchEvent;
  readonly state: SearchState;
  readonly actions: readonly SearchAction[];
}

/** What the world does. */
export interface Temper {
  /** Share of alive and of dead verdicts among those that are drawn; the rest is inconclusive. */
  readonly alive: number;
  readonly dead: number;
  /** A NAT that most verdicts are true to, so that findings come about and change; without one all are drawn. */
  readonly nat?: {
    /** Its idle timeouts, seconds, each for so many steps and then the next; after the last the first again. */
    readonly timeouts: readonly number[];
    readonly steps: number;
    /** Share of the verdicts that are true. */
    readonly honesty: number;
  };
}

/** Probability of a loss of all connections and of an interruption in a step: with a NAT, climbs shall get somewhere. */
const LOSS = 0.005;
const LOSS_WITH_NAT = 0.0003;

/** Share of the steps in which another mode of the target tells something. */
const SIBLINGS = 0.05;

/** Runs so many steps in a world without any law but the contract's and, where there is one, that of its NAT. */
export function runArbitrary(
  options: SearchOptions,
  random: Random,
  steps: number,
  temper: Temper,
  observe: (observed: Observed) => void,
): SearchState {
  /** How connections die here; a world keeps its manner for a while. */
  let manner: 'silence' | 'closed' = 'silence';
  let state = createSearch(options);
  let at = 0;
  let wake = Number.POSITIVE_INFINITY;
  let count = 0;
  const testing = new Set<ConnectionId>();
  const { nat } = temper;
  const loss = nat === undefined ? LOSS : LOSS_WITH_NAT;
  const apply = (event: SearchEvent): void => {
    const before = state;
    const result = step(state, at, event);
    state = result.state;
    if (event.kind === 'verdict') testing.delete(event.id);
    if (event.kind === 'mapping_loss' || event.kind === 'interrupted') testing.clear();
    for (const action of result.actions) {
      if (action.kind === 'wake') wake = action.at;
      if (action.kind === 'test') testing.add(action.id);
    }
    observe({ before, at, event, state, actions: result.actions });
  };
  apply({ kind: 'start' });
  for (; count < steps; count++) {
    const event = nextEvent();
    if (event !== undefined) apply(event);
  }
  return state;

  function nextEvent(): SearchEvent | undefined {
    if (random() < SIBLINGS) return fromSiblings();
    const opening = connectionsOf(state).find((connection) => connection.state === 'opening');
    const dice = random();
    if (dice < loss) return { kind: 'mapping_loss' };
    if (dice < 2 * loss) return { kind: 'interrupted' };
    if (opening !== undefined && dice < 0.9) {
      at += random() * 0.1;
      return { kind: dice < 2 * loss + 0.04 ? 'open_failed' : 'opened', id: opening.id };
    }
    const [tested] = testing;
    if (tested !== undefined && dice < 0.8) {
      at += random() * options.deadline;
      return verdictOf(tested);
    }
    const due = options.timing === 'at_launch' ? nextAppointed() : undefined;
    if (due !== undefined && dice < 0.6) {
      at = Math.max(at, due.at);
      const verdict = verdictOf(due.id);
      at += random() * options.deadline;
      return verdict;
    }
    // Where nothing is tested, a world without a NAT goes on killing: it seldom lets anything grow old.
    if (dice < 0.82 && (nat === undefined || dice >= 0.8)) return spontaneousDeath();
    if (dice < 0.87 && (nat === undefined || dice >= 0.6)) {
      at += random() * 300;
      return { kind: random() < 0.1 ? 'ask_anew' : 'round' };
    }
    if (Number.isFinite(wake)) at = Math.max(at, wake + random() * 0.2);
    else at += random() * 60;
    return { kind: 'tick' };
  }

  /** What other modes of the target tell: as arbitrary as the rest. */
  function fromSiblings(): SearchEvent {
    const idle = random() * 1.2 * options.maxIdle;
    if (random() < 0.5)
      return { kind: 'sibling_tested', test: { alive: random() < 0.7, idle, age: idle * (1 + random()) } };
    const starts = Array.from({ length: Math.floor(random() * 4) }, () => at - random() * options.maxIdle);
    starts.sort((a, b) => a - b);
    const hint: Hint = {
      lower: idle,
      starts,
      ...(random() < 0.5 && { upper: idle * (1 + random()) }),
      ...(random() < 0.3 && { suspected: random() * options.maxIdle }),
    };
    return { kind: 'hint', hint };
  }

  /** The idle connection whose far end writes next, where that was asked for at launch. */
  function nextAppointed(): { readonly id: ConnectionId; readonly at: number } | undefined {
    const waiting = connectionsOf(state).flatMap(({ id, state: doing, since, testAt }) =>
      doing === 'idle' && since !== undefined && testAt !== undefined ? [{ id, at: since + testAt }] : [],
    );
    return waiting.sort((a, b) => a.at - b.at)[0];
  }

  function verdictOf(id: ConnectionId): SearchEvent {
    if (random() < 0.05) manner = random() < 0.5 ? 'closed' : 'silence';
    const since = connectionsOf(state).find((connection) => connection.id === id)?.since ?? at;
    const idle = Math.max(0, at - since - random() * 0.3);
    const honest = nat !== undefined && random() < nat.honesty;
    const dice = honest ? (isRemembered(at - since) ? 0 : temper.alive) : random();
    if (dice < temper.alive) return { kind: 'verdict', id, idle, verdict: { kind: 'alive' } };
    if (dice < temper.alive + temper.dead)
      return { kind: 'verdict', id, idle, verdict: { kind: 'dead', evidence: manner } };
    return { kind: 'verdict', id, idle, verdict: { kind: 'inconclusive', reason: 'control_failed' } };
  }

  /** Whether the NAT still knows a connection that has idled for so long. */
  function isRemembered(idle: number): boolean {
    const { timeouts = [], steps: each = 1 } = nat ?? {};
    return idle < (timeouts[Math.floor(count / each) % timeouts.length] ?? 0);
  }

  function spontaneousDeath(): SearchEvent | undefined {
    const idle = connectionsOf(state).filter((connection) => connection.state === 'idle');
    const victim = idle[Math.floor(random() * idle.length)];
    if (victim?.since === undefined) return undefined;
    if (nat !== undefined && isRemembered(at - victim.since) && random() < nat.honesty) return undefined;
    at += random();
    return {
      kind: 'verdict',
      id: victim.id,
      idle: at - victim.since,
      verdict: { kind: 'dead', evidence: 'reset_idle' },
    };
  }
}
