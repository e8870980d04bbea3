/** Kinds of things as numbers: a table has one line for each path only if nothing in it is told apart by a label. */
import type { ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { PATH_CONDITIONS } from '../../src/core/diagnosis/conditions.js';
import { PLACE_WORDS } from '../../src/core/locate/places.js';
import { words } from './kit.js';

/** Something that a label of a metric tells, as a number: 1 for the first kind in the list. */
export interface Numbered {
  /** The smallest number that a path has. @param selector selects the metric's series */
  readonly of: (selector: string) => string;
  /** Words for the numbers. */
  readonly words: ValueMapping[];
}

/** @param gone labels by which the series of a path differ */
function numbered(
  metric: string,
  label: string,
  kinds: Readonly<Record<string, string>>,
  gone: readonly string[],
): Numbered {
  const names = Object.keys(kinds);
  return {
    of: (selector) => {
      const each = names.map((name, index) => `${index + 1} * ${metric}{${selector}, ${label}="${name}"}`);
      return `min without (${gone.join(', ')}) (\n  ${each.join('\n  or ')}\n)`;
    },
    words: words(
      Object.fromEntries(Object.values(kinds).map((text, index) => [index + 1, { text, color: 'text' }])),
    ),
  };
}

/** Where the box stands; of several the one nearest to the host that measures. */
export const PLACE_NUMBER = numbered('nat_forgetting_box_info', 'place', PLACE_WORDS, [
  'mode',
  'hop',
  'kind',
  'place',
]);

/** The conditions as the runbook and the audit name them, without underscores. */
export const CONDITION_WORDS: Readonly<Record<string, string>> = Object.fromEntries(
  PATH_CONDITIONS.map((condition) => [condition, condition.replaceAll('_', ' ')]),
);

/** What was found beside the timeout; of several the one that people read first. */
export const CONDITION_NUMBER = numbered('nat_path_condition', 'condition', CONDITION_WORDS, ['condition']);
