/** What one test of one idle connection can tell. */

/** How a dead connection showed it. */
export type DeathEvidence =
  /** the test was not answered within the deadline */
  | 'silence'
  /** the test was answered with a RST */
  | 'reset'
  /** a RST arrived while the connection was idle */
  | 'reset_idle'
  /** the connection was closed by somebody while it was idle or tested */
  | 'closed';

/** Why a test says nothing about the mapping. */
export type InconclusiveReason =
  /** the far end cannot be reached at all */
  | 'unreachable'
  /** we stopped it ourselves: reload, suspend, changed DNS answer */
  | 'interrupted'
  /** a fresh connection did not work at the moment of the death */
  | 'control_failed'
  /** no heartbeat canary lived through the connection's whole idle time */
  | 'canary_lost'
  /** the test was fired later than planned by more than the guard */
  | 'late';

/**
 * The verdict of one test. `dead` is given only after its controls passed: a fresh connection works at that
 * moment and a heartbeat canary lived through the same window. Everything else is `inconclusive`, which never
 * moves a bound.
 */
export type Verdict =
  | { readonly kind: 'alive' }
  | { readonly kind: 'dead'; readonly evidence: DeathEvidence }
  | { readonly kind: 'inconclusive'; readonly reason: InconclusiveReason };

/** The value of the `reason` label of a verdict. */
export type VerdictReason = 'answered' | DeathEvidence | InconclusiveReason;

/** Every reason with the verdict that it belongs to: the closed set behind the metric's labels. */
export const VERDICT_REASONS: Readonly<Record<VerdictReason, Verdict['kind']>> = {
  answered: 'alive',
  silence: 'dead',
  reset: 'dead',
  reset_idle: 'dead',
  closed: 'dead',
  unreachable: 'inconclusive',
  interrupted: 'inconclusive',
  control_failed: 'inconclusive',
  canary_lost: 'inconclusive',
  late: 'inconclusive',
};

/** The `reason` of a verdict: `answered` for alive, the evidence of a death, the reason of an inconclusive one. */
export function reasonOf(verdict: Verdict): VerdictReason {
  switch (verdict.kind) {
    case 'alive':
      return 'answered';
    case 'dead':
      return verdict.evidence;
    case 'inconclusive':
      return verdict.reason;
  }
}
