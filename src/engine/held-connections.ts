/** Holds a few connections of one mode until they are older than any that died, and asks them one after the other. */
import { setMaxListeners } from 'node:events';
import { checkAt, learnCheck, type QuotaCheck } from '../core/quota/check.js';
import type { Clock } from '../clock.js';
import type { SearchConfig } from '../config/schema.js';
import { pause } from '../pause.js';
import type { Seconds } from '../units.js';
import type { Aside } from './aside.js';

/** With fewer nothing could be decided. */
const LEAST_HELD = 2;

export interface HoldOptions {
  readonly clock: Clock;
  readonly search: SearchConfig;
  /** Opens a connection of the mode that accuses. */
  readonly open: (signal: AbortSignal, testAt: Seconds) => Aside;
  /** Called when all are open, with the seconds until they are asked. */
  readonly held: (wait: Seconds) => void;
}

/**
 * Carries a check out.
 * @param begun the check with all of its connections still to be asked
 * @param signal gives them all up
 * @returns the check, still undecided where it was given up or too few of them told anything
 */
export async function holdAndAsk(
  begun: QuotaCheck,
  { clock, search, open, held }: HoldOptions,
  signal: AbortSignal,
): Promise<QuotaCheck> {
  let check = begun;
  const over = new AbortController();
  const meanwhile = AbortSignal.any([signal, over.signal]);
  setMaxListeners(0, meanwhile);
  const age = checkAt(begun, search.guard);
  const asides = Array.from({ length: check.left }, () => open(meanwhile, age));
  const giveUp = (): void => {
    for (const aside of asides) aside.giveUp();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    const opened = await Promise.all(asides.map((aside) => aside.opened));
    if (opened.filter(Boolean).length < LEAST_HELD) return check;
    held(age);
    await pause(clock, age, signal);
    for (const aside of asides) {
      if (signal.aborted || check.outcome !== 'checking') break;
      const result = await aside.ask();
      // One of which nothing came takes no part.
      check = learnCheck(
        check,
        result?.verdict ?? { kind: 'inconclusive', reason: 'interrupted' },
        result?.idle ?? 0,
      );
    }
  } finally {
    signal.removeEventListener('abort', giveUp);
    for (const aside of asides) aside.close();
    over.abort();
  }
  return check;
}
