/** What the pattern of findings over the modes may mean, never more certain than the data. */

/** One explanation with its evidence. */
export interface Explanation {
  /** Stable identifier, `mapping_forgotten`, `revived_from_inside`, … */
  readonly id: string;
  readonly certainty: 'measured' | 'likely' | 'hint';
  /** One plain sentence. */
  readonly text: string;
  /** The findings that it rests on, one plain sentence each. */
  readonly evidence: readonly string[];
}

const explanationOf =
  (certainty: Explanation['certainty']) =>
  (id: string, text: string, evidence: readonly string[]): Explanation => ({ id, certainty, text, evidence });

/** What the tests themselves have shown. */
export const measured = explanationOf('measured');
/** What fits best, though something else may look alike. */
export const likely = explanationOf('likely');
/** What is worth a look. */
export const hint = explanationOf('hint');
