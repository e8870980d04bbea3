/** What is wrong with a configuration, told so that the reader can mend it without looking anything up. */
import { dump } from 'js-yaml';
import { hidesSomething, visible } from '../visible.js';

/** One mistake in a configuration. */
export interface Problem {
  /** The file as the user named it. */
  readonly file: string;
  /** Where in the file: `targets[1].search.min_idle`, or `line 3, column 5`; absent when it is the whole file. */
  readonly path?: string;
  /** The rule that is broken, in words. */
  readonly rule: string;
  /** The value found, where showing it helps. */
  readonly value?: unknown;
}

/** Longest text of a value that a message shows. */
const LONGEST_VALUE = 60;

/** A value as it could stand in the file, on one line: `45s`, `'5382'`, `[send, recv]`. */
export function showValue(value: unknown): string {
  const text =
    typeof value === 'string' && hidesSomething(value)
      ? JSON.stringify(value)
      : dump(beginningOf(value, { left: LONGEST_VALUE }), { flowLevel: 0, lineWidth: -1 }).trim();
  return visible(text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text);
}

/** As much of a value as is shown: to write out a huge one first takes more stack or memory than there is. */
function beginningOf(value: unknown, budget: { left: number }): unknown {
  budget.left -= 1;
  if (typeof value === 'string') return value.slice(0, LONGEST_VALUE + 1);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const parts: [string, unknown][] = [];
  for (const [name, part] of Object.entries(value)) {
    if (budget.left <= 0) break;
    parts.push([name.slice(0, LONGEST_VALUE + 1), beginningOf(part, budget)]);
  }
  return Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

/** The problem on one line: `config.yaml: targets[1].search.min_idle: must be shorter than …, found 45s`. */
export function formatProblem({ file, path, rule, value }: Problem): string {
  const told = visible(path === undefined ? `${file}: ${rule}` : `${file}: ${path}: ${rule}`);
  return value === undefined ? told : `${told}, found ${showValue(value)}`;
}

/** The operator's configuration cannot be used. Holds every problem at once; the message has one line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}
