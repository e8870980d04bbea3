/** What one test of one idle connection can tell. */

/** Every reason with the verdict that it belongs to: the closed set behind the metric's labels. */
export const VERDICT_REASONS = {
  answered: 'alive',
  /** the test was not answered within the deadline */
  silence: 'dead',
  /** the test was answered with a RST */
  reset: 'dead',
  /** a RST arrived while the connection was idle */
  reset_idle: 'dead',
  /** the connection was closed by somebody while it was idle or tested */
  closed: 'dead',
  /** the far end cannot be reached at all */
  unreachable: 'inconclusive',
  /** we stopped it ourselves: reload, suspend, changed DNS answer */
  interrupted: 'inconclusive',
  /** a fresh connection did not work at the moment of the death, or the far end did not answer what had reached it */
  control_failed: 'inconclusive',
  /** no heartbeat canary lived through the connection's whole idle time */
  canary_lost: 'inconclusive',
  /** the test was fired later than planned by more than the guard */
  late: 'inconclusive',
  /** no heartbeat canary answered in the middle of the test: an outage may have swallowed it */
  disturbed: 'inconclusive',
  /** the connection was as old as every connection gets on this path, however busy it is */
  lifetime: 'inconclusive',
  /** the far end that welcomed the connection could not be asked: another one answers behind the same address */
  other_instance: 'inconclusive',
} as const;

/** The value of the `reason` label of a verdict. */
export type VerdictReason = keyof typeof VERDICT_REASONS;

/** The reasons of one verdict. */
type ReasonOf<Kind> = {
  [Reason in VerdictReason]: (typeof VERDICT_REASONS)[Reason] extends Kind ? Reason : never;
}[VerdictReason];

/** How a dead connection showed it. */
export type DeathEvidence = ReasonOf<'dead'>;

/** Why a test says nothing about the mapping. */
export type InconclusiveReason = ReasonOf<'inconclusive'>;

/**
 * The verdict of one test. `dead` is given only after its controls passed: a fresh connection works at that
 * moment and a heartbeat canary lived through the same window. Everything else is `inconclusive`, which never
 * moves a bound.
 */
export type Verdict =
  | { readonly kind: 'alive' }
  | { readonly kind: 'dead'; readonly evidence: DeathEvidence }
  | { readonly kind: 'inconclusive'; readonly reason: InconclusiveReason };

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
