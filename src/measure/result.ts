/** The end of a measurement: the text that a person reads, and the exit code that a script reads. */
import { humanDuration } from '../core/human-duration.js';
import { reasonOf } from '../core/verdict.js';
import { REASON_WORDS, timeoutWords, whatWasSeen } from '../core/words.js';
import type { TargetSnapshot, TestRecord } from '../engine/snapshot.js';
import { isComplete } from '../report/build.js';
import { visible } from '../visible.js';

/** How the words of the result are emphasised; the identity where there is no colour. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly strong: (text: string) => string;
}

/** No emphasis at all. */
export const PLAIN: Paint = { good: (text) => text, bad: (text) => text, strong: (text) => text };

/** Emphasis by ANSI escape sequences. */
export const COLOURED: Paint = {
  good: (text) => `\u001b[1;32m${text}\u001b[0m`,
  bad: (text) => `\u001b[1;31m${text}\u001b[0m`,
  strong: (text) => `\u001b[1m${text}\u001b[0m`,
};

/**
 * The exit code of a measurement: 0 compliant with what is required, 1 not compliant, 3 no verdict. One mode that is
 * proven not compliant decides, even when others are not finished.
 */
export function exitCode({ verdict }: TargetSnapshot): 0 | 1 | 3 {
  return ({ compliant: 0, not_compliant: 1, unknown: 3 } as const)[verdict.result];
}

/**
 * The result as text: verdict, brackets, diagnosis, settings. Ends with a newline.
 *
 * @param options `interrupted`: somebody stopped it early, so it says what is known so far; `fruitless`: it was given
 * up because no test gave a verdict although the far end answers
 */
export function renderResult(
  snapshot: TargetSnapshot,
  options: { readonly interrupted?: boolean; readonly fruitless?: boolean; readonly paint?: Paint } = {},
): string {
  const paint = options.paint ?? PLAIN;
  const { result, sentence: said } = snapshot.verdict;
  const sentence = visible(said);
  const colour = { compliant: paint.good, not_compliant: paint.bad, unknown: paint.strong }[result];
  const lines: string[] = [];
  if (options.interrupted === true && !isComplete(snapshot)) {
    lines.push('Interrupted: this is what is known so far.', '');
  }
  const colon = sentence.indexOf(':') + 1;
  lines.push(...wrap(colour(sentence.slice(0, colon)) + sentence.slice(colon)), '');
  for (const mode of snapshot.modes) {
    const { finding } = mode;
    const found = finding.timeout === undefined ? '' : `, ${timeoutWords(mode.mode, finding)}`;
    lines.push(`  ${mode.mode.padEnd(10)}${whatWasSeen(finding, finding.deaths)}${found}`);
  }
  if (snapshot.up === false || (snapshot.up === undefined && options.interrupted !== true)) {
    lines.push(
      '',
      `The far end does not answer${snapshot.downReason === undefined ? '' : `: ${visible(snapshot.downReason)}`}.`,
    );
  }
  if (options.fruitless === true && snapshot.up !== false) lines.push('', fruitless(snapshot));
  if (snapshot.explanations.length > 0) {
    lines.push('', paint.strong('What it may mean'));
    for (const { text, certainty } of snapshot.explanations) {
      lines.push(...wrap(visible(`${text} (${certainty})`), '- '));
    }
  }
  const interval = snapshot.keepaliveRecommended;
  if (interval !== undefined && result !== 'compliant' && snapshot.settings !== undefined) {
    lines.push(
      '',
      paint.strong(`Settings that keep idle connections alive: something every ${humanDuration(interval)}`),
    );
    for (const { product, text } of snapshot.settings.snippets) {
      lines.push(`# ${visible(product)}`, ...text.split('\n').map((line) => `  ${visible(line)}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Why it was given up although the far end answers. */
function fruitless({ modes }: TargetSnapshot): string {
  const tests = modes.flatMap((mode) => mode.tests);
  const last = tests.reduce<TestRecord | undefined>(
    (newest, test) => (newest === undefined || test.at > newest.at ? test : newest),
    undefined,
  );
  const why =
    last === undefined
      ? 'none could be made'
      : `of ${tests.length} the last one ended with: ${REASON_WORDS[reasonOf(last.verdict)]}`;
  return `The far end answers, but its tests give no verdict any more (${why}).`;
}

/** Columns of the result's running text. */
const TEXT_WIDTH = 92;

/** Breaks running text into lines; the first begins with `mark`, the others are indented as far. */
function wrap(text: string, mark = ''): string[] {
  const lines: string[] = [];
  let line = mark;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > TEXT_WIDTH) {
      lines.push(line);
      line = ' '.repeat(mark.length);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
