/** Conditions of a path that explain its findings by themselves, whatever the pattern over the modes. */
import { durationWithSeconds, humanDuration } from '../human-duration.js';
import type { QuotaStanding } from '../quota/memory.js';
import { mixtureWords, sinceStart } from '../words.js';
import type { Seconds } from '../../units.js';
import { type Explanation, likely, measured } from './explanation.js';
import { forgetting, type Outcomes, outcomeSentences } from './outcome.js';

/** @param minIdle the shortest idle time that is tested, seconds */
export function eaten(outcomes: Outcomes, minIdle: Seconds): Explanation {
  return measured(
    'keepalives_eaten',
    `TCP keepalives get no answer on this path even after ${humanDuration(minIdle)}, data does: ` +
      'use application keepalives, which carry data. This says nothing about the mapping.',
    outcomeSentences(outcomes),
  );
}

export function answeredBetween(outcomes: Outcomes): Explanation {
  return likely(
    'keepalives_answered_between',
    'TCP keepalives are answered where data dies: somebody in between answers them, such as a proxy, and they keep ' +
      'nothing alive behind it. Use application keepalives, which carry data.',
    outcomeSentences(outcomes),
  );
}

/** A share of the connections that is forgotten early; the earliest where several modes have one. */
export function mixture(outcomes: Outcomes): readonly Explanation[] {
  const shares = forgetting(outcomes).flatMap(([, outcome]) =>
    outcome.mixture === undefined ? [] : [{ ...outcome, mixture: outcome.mixture }],
  );
  const [first] = shares.sort((a, b) => a.upper - b.upper);
  if (first === undefined) return [];
  return [
    measured(
      'mixture',
      `Not all connections are treated alike, as behind a pool with bad nodes: ${mixtureWords(first, first.mixture)}.`,
      outcomeSentences(outcomes),
    ),
  ];
}

/** How long a connection lives depends on how many are open: nothing else is told beside that. */
export function dependsOnConnections({
  connections,
  held,
  upper,
}: Extract<QuotaStanding, { kind: 'quota' }>): Explanation {
  return measured(
    'connection_quota',
    'How long an idle connection survives depends on how many are open: a box remembers only so many at once for one ' +
      'subscriber and forgets the one that was idle longest for a new one, or it becomes impatient as its table fills. ' +
      'Open fewer, or keep the ones that matter busy.',
    [
      `About ${connections} connections open: some died after ${durationWithSeconds(upper)} idle.`,
      `${held} connections open: they survived longer than that.`,
    ],
  );
}

/** @param age of every connection at its end, seconds */
export function fixedLifetime(age: Seconds, outcomes: Outcomes): Explanation {
  return measured(
    'fixed_lifetime',
    `Every connection ends ${sinceStart(age)}, however busy it is: keepalives do not help, programs have to connect ` +
      'anew in time. What a longer silence would do cannot be told.',
    outcomeSentences(outcomes),
  );
}
