/** What had to hold before a death was believed, and which other causes the measurement excludes. */
import { durationWithSeconds } from '../core/human-duration.js';
import type { InconclusiveReason } from '../core/verdict.js';
import { REASON_WORDS } from '../core/words.js';
import type { TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import type { ReportDocument } from './report-document.js';

/** One plain sentence per control, with counts over the tests that the snapshot lists. */
export function controls(snapshot: TargetSnapshot): string[] {
  const tests = snapshot.modes.flatMap((mode) => mode.tests);
  const dead = tests.filter(({ verdict }) => verdict.kind === 'dead').length;
  const discarded = new Map<InconclusiveReason, number>();
  for (const { verdict } of tests) {
    if (verdict.kind === 'inconclusive') {
      discarded.set(verdict.reason, (discarded.get(verdict.reason) ?? 0) + 1);
    }
  }
  const found = dead === 0 ? ['No test that counts ended in a death.'] : deathControls(dead);
  found.push('No connection was tested twice: every test is an independent connection with its own ports.');
  if (discarded.size > 0) {
    const reasons = [...discarded].map(([reason, count]) => `${count} because ${REASON_WORDS[reason]}`);
    found.push(`Tests that were set aside and moved nothing: ${reasons.join(', ')}.`);
  }
  return found;
}

function deathControls(dead: number): string[] {
  const each = dead === 1 ? 'The death listed' : `Each of the ${dead} deaths listed`;
  return [
    `${each} counts only because, at that moment, a fresh connection to the same far end worked.`,
    'It also counts only because a heartbeat connection, which is never idle for long, lived through the whole idle time of the dead connection: neither an outage nor a restart of the path lies in between.',
  ];
}

/** Other causes of a dead connection, and whether the measurement excludes them. */
export function ruledOut(snapshot: TargetSnapshot): ReportDocument['ruled_out'] {
  const uppers = snapshot.modes.flatMap(({ finding }) => finding.upper ?? []);
  if (uppers.length === 0) return [];
  const longest = Math.max(...uppers);
  const slack = snapshot.config.search.guard;
  const { local, responder } = snapshot.conntrack;
  return [
    ownTracking("this host's own connection tracking", local, longest + slack),
    ownTracking("the responder host's own connection tracking", responder, longest + slack),
    {
      cause: "a firewall of the responder's provider, outside of its host",
      status: 'unknown',
      why: 'It cannot be seen from either end; a second responder at another provider tells.',
    },
    {
      cause: 'an outage of the line',
      status: 'ruled_out',
      why: 'A death counts only while a fresh connection works and a heartbeat connection lived on.',
    },
    {
      cause: 'a restart of the NAT or a changed public address',
      status: 'ruled_out',
      why: 'Both end the heartbeat connections too; every connection of that time was set aside.',
    },
    {
      cause: "the application's own timeout or keepalive",
      status: 'ruled_out',
      why: 'The connections are bare TCP; keepalive is off at this end until the test.',
    },
  ];
}

function ownTracking(
  cause: string,
  value: Seconds | undefined,
  measured: Seconds,
): ReportDocument['ruled_out'][number] {
  if (value === undefined) {
    return { cause, status: 'unknown', why: 'It reports none; a firewall of another kind would not show.' };
  }
  const keeps = `It keeps idle connections for ${durationWithSeconds(value)}`;
  return value > measured
    ? { cause, status: 'ruled_out', why: `${keeps}, longer than what was measured.` }
    : { cause, status: 'possible', why: `${keeps}, no longer than what was measured.` };
}
