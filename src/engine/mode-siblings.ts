/** The modes of a target beside one another: passes on what each of them tells the others. */
import type { Hint, SiblingTest } from '../core/search/contract.js';
import { unitedHint } from '../core/search/hints.js';
import type { Mode } from '../core/modes.js';

/** A mode's runner, as the others see it. */
interface Sibling {
  readonly mode: Mode;
  readonly hint: Hint;
  hear(test: SiblingTest): void;
  heed(hint: Hint): void;
}

export class Siblings {
  #all: readonly Sibling[] = [];

  /** From now on these tell one another. */
  follow(all: readonly Sibling[]): void {
    this.#all = all;
  }

  /** A mode has tested something. */
  tested(mode: Mode, test: SiblingTest): void {
    for (const other of this.#othersOf(mode)) other.hear(test);
  }

  /** Something about a mode may have changed. */
  stepped(mode: Mode): void {
    for (const other of this.#othersOf(mode))
      other.heed(unitedHint(this.#othersOf(other.mode).map(({ hint }) => hint)));
  }

  #othersOf(mode: Mode): readonly Sibling[] {
    return this.#all.filter((each) => each.mode !== mode);
  }
}
