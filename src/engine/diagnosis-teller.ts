/** Tells a target's verdict and diagnosis when they have changed, whether or not anybody reads them meanwhile. */
import type { PathVerdict } from '../core/diagnosis/path-verdict.js';
import type { Logger } from '../log.js';
import type { Journal } from './journal.js';
import type { TargetSnapshot } from './snapshot.js';

export class DiagnosisTeller {
  readonly #log: Logger;
  readonly #journal: Journal;
  /** What was told last: the verdict, and the explanations with their figures. */
  #verdict: PathVerdict['result'] = 'unknown';
  #diagnosis = '';
  /** The ids of the explanations that were told. */
  #explanations = '';

  constructor(log: Logger, journal: Journal) {
    this.#log = log;
    this.#journal = journal;
  }

  tell({ verdict, explanations }: Pick<TargetSnapshot, 'verdict' | 'explanations'>): void {
    if (verdict.result !== this.#verdict)
      this.#log.info({ verdict: verdict.result, left_out: verdict.leftOut.join() }, verdict.sentence);
    this.#verdict = verdict.result;
    const texts = explanations.map(({ certainty, text }) => `${text} (${certainty})`).join(' ');
    if (texts === this.#diagnosis) return;
    this.#diagnosis = texts;
    const ids = explanations.map(({ id }) => id).join(',');
    // The same with other figures is no news to a log.
    const level = ids === this.#explanations ? 'debug' : 'info';
    this.#explanations = ids;
    const text = texts === '' ? 'diagnosis: open again' : `diagnosis: ${texts}`;
    this.#journal.tell(text, level, { explanations: ids });
  }
}
