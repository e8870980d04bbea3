/** Evidence for a minority that forgets early, by the share of the connections that it would get. */
import { EVICTIONS } from './minority.js';

/** One cumulative sum in nats for each share that is looked for, against evictions alone; 0 at the least. */
export type Evidence = readonly number[];

/** Shares that are looked for, and the evidence in nats that each needs: 3 deaths in a row make 11.1 in the last. */
const SHARES = [
  { share: 0.05, enough: 10 },
  { share: 0.1, enough: 11.5 },
  { share: 0.2, enough: 12.5 },
  { share: 0.4, enough: 16 },
  { share: 0.8, enough: 19 },
] as const;

export const NO_EVIDENCE: Evidence = SHARES.map(() => 0);

/** The evidence with one early death, or one survival, more. */
export function scored(evidence: Evidence, alive: boolean): Evidence {
  return SHARES.map(({ share }, index) => {
    const step = alive ? Math.log((1 - share) / (1 - EVICTIONS)) : Math.log(share / EVICTIONS);
    return Math.max(0, (evidence[index] ?? 0) + step);
  });
}

/** Whether it proves that there is one. */
export function isEnough(evidence: Evidence): boolean {
  return SHARES.some(({ enough }, index) => (evidence[index] ?? 0) >= enough);
}
