/** The end of a measurement: the text that a person reads, and the exit code that a script reads. */
import { doNow } from '../core/diagnosis/do-now.js';
import { proofWords, whyUnproven } from '../core/diagnosis/proof.js';
import { profileGround } from '../core/locate/profile-search.js';
import { profileSentences } from '../core/locate/locate-words.js';
import type { LocalizationTold } from '../core/locate/locating.js';
import { leftOutWords, TRIED_WORDS } from '../core/diagnosis/settings.js';
import { humanDuration } from '../core/human-duration.js';
import { reasonOf } from '../core/verdict.js';
import { REASON_WORDS, timeoutWords, whatWasSeen } from '../core/words.js';
import type { TargetSnapshot, TestRecord } from '../engine/snapshot.js';
import { isComplete } from '../report/build.js';
import { visible } from '../visible.js';
import { type Paint, PLAIN } from './paint.js';
import { wrapped } from './wrap.js';

/**
 * The exit code of a measurement: 0 compliant with what is required, 1 not compliant, 3 no verdict. One mode that is
 * proven not compliant decides, even when others are not finished.
 */
export function exitCode({ verdict }: TargetSnapshot): 0 | 1 | 3 {
  return ({ compliant: 0, not_compliant: 1, unknown: 3 } as const)[verdict.result];
}

export interface ResultOptions {
  /** Somebody stopped it early, so it says what is known so far. */
  readonly interrupted?: boolean;
  /** It was given up because no test gave a verdict although the far end answers. */
  readonly fruitless?: boolean;
  /** With every setting that keeps connections alive. */
  readonly settings?: boolean;
  readonly paint?: Paint;
  /** Whether a report is written as well. */
  readonly reported?: boolean;
  /** Columns of running text. */
  readonly width?: number;
}

/** Longer lines are hard to read. */
const WIDEST_TEXT = 100;
/** Where the output has no width of its own. */
const USUAL_TEXT = 92;

/**
 * The result as text, ends with a newline. The verdict and what to do now come last: a terminal of 24 lines shows them
 * whatever stands before.
 */
export function renderResult(snapshot: TargetSnapshot, options: ResultOptions = {}): string {
  const { paint = PLAIN } = options;
  const width = Math.min(options.width ?? USUAL_TEXT, WIDEST_TEXT);
  const parts = [
    ...(options.settings === true ? [allSettings(snapshot, paint, width)] : []),
    explanations(snapshot, paint, width),
    tried(snapshot.proving, paint, width),
    headline(snapshot, options, paint, width),
    findings(snapshot, width),
    silence(snapshot, options, width),
    located(snapshot, paint, width),
    whatNow(snapshot, options, paint, width),
  ];
  const shown = parts.filter((lines) => lines.length > 0).map((lines) => `${lines.join('\n')}\n`);
  return shown.join('\n');
}

/** `Not compliant: …`, the verdict's first words emphasised. */
function headline(
  snapshot: TargetSnapshot,
  { interrupted }: ResultOptions,
  paint: Paint,
  width: number,
): string[] {
  const { result, sentence: said } = snapshot.verdict;
  const sentence = visible(said);
  const colour = { compliant: paint.good, not_compliant: paint.bad, unknown: paint.strong }[result];
  const colon = sentence.indexOf(':') + 1;
  const begun = interrupted === true && !isComplete(snapshot);
  return [
    ...(begun ? ['Interrupted: this is what is known so far.', ''] : []),
    ...wrapped(colour(sentence.slice(0, colon)) + sentence.slice(colon), width),
  ];
}

/** One line for each mode: its bracket, and what follows from it. */
function findings({ modes }: TargetSnapshot, width: number): string[] {
  return modes.flatMap(({ mode, finding }) => {
    const isTold = finding.timeout === undefined || finding.mixture !== undefined;
    const found = isTold ? '' : `, ${timeoutWords(mode, finding)}`;
    const name = `  ${mode.padEnd(10)}`;
    return wrapped(`${whatWasSeen(finding, finding.deaths)}${found}`, width, name);
  });
}

/** Why nothing (more) was learnt from a far end that does not answer, or answers in vain. */
function silence(
  snapshot: TargetSnapshot,
  { interrupted, fruitless: isFruitless }: ResultOptions,
  width: number,
): string[] {
  const { up, downReason } = snapshot;
  if (up === false || (up === undefined && interrupted !== true)) {
    const why = downReason === undefined ? '' : `: ${visible(downReason)}`;
    return wrapped(`The far end does not answer${why}.`, width);
  }
  return isFruitless === true ? wrapped(fruitless(snapshot), width) : [];
}

/** What to do now, with the setting for it, and where to find the others. */
function whatNow(snapshot: TargetSnapshot, options: ResultOptions, paint: Paint, width: number): string[] {
  const { sentence, setting } = doNow(snapshot, false);
  const hints = [
    ...(snapshot.settings !== undefined && setting !== undefined && options.settings !== true
      ? ['Settings for other programs: --settings, and in every report.']
      : []),
    ...(sentence.includes('report') && options.reported !== true
      ? ['No report was asked for: --report=report.html writes one.']
      : []),
    ...howToLocate(snapshot),
  ];
  return [
    ...wrapped(`${paint.strong('Do this now:')} ${visible(sentence)}`, width),
    ...(setting?.text.split('\n') ?? []).map((line) => `    ${visible(line)}`),
    ...hints.flatMap((hint) => wrapped(hint, width)).map(paint.faint),
  ];
}

function explanations({ explanations: all }: TargetSnapshot, paint: Paint, width: number): string[] {
  if (all.length === 0) return [];
  const shown = all.flatMap(({ text, certainty }) => wrapped(visible(`${text} (${certainty})`), width, '- '));
  return [paint.strong('What it may mean'), ...shown];
}

function allSettings({ settings, verdict }: TargetSnapshot, paint: Paint, width: number): string[] {
  if (settings === undefined || verdict.result === 'compliant') return [];
  const { interval, snippets } = settings;
  const lines = [
    paint.strong(`Settings that keep idle connections alive: something every ${humanDuration(interval)}`),
  ];
  for (const { product, text, tried: standing } of snippets) {
    const heading = `# ${visible(product)} [${TRIED_WORDS[standing]}]`;
    lines.push(heading, ...text.split('\n').map((line) => `  ${visible(line)}`));
  }
  for (const left of leftOutWords(settings)) lines.push(...wrapped(visible(left), width, '# '));
  return lines;
}

/** Which box forgets, as far as it was looked for. */
function located({ locating, config }: TargetSnapshot, paint: Paint, width: number): string[] {
  if (locating === undefined) return [];
  const said = locating.modes.flatMap(({ found }) =>
    found === undefined ? [] : [found.sentence, ...(config.locate?.profile === true ? profiled(found) : [])],
  );
  const why = locating.modes.find(({ found, why: idle }) => found === undefined && idle !== undefined)?.why;
  const texts = said.length > 0 ? said : [`Not looked for to the end${why === undefined ? '' : `: ${why}`}.`];
  return [paint.strong('Which box forgets'), ...texts.flatMap((text) => wrapped(visible(text), width, '- '))];
}

/** The idle timeout of every hop, or why it is not there. */
function profiled({ result, profile }: LocalizationTold): readonly string[] {
  if (result.kind === 'not_located') return [];
  if (profileGround(result) === undefined)
    return ['The idle timeout of every hop is measured only where both ends name one box.'];
  const isWhole = profile !== undefined && profile.places.length > 0;
  return [
    ...(profile === undefined ? [] : profileSentences(profile)),
    ...(isWhole ? [] : ['The idle timeout of every hop was not measured to the end.']),
  ];
}

/** How to find the box that forgets, where it was not looked for and could be. */
function howToLocate({ locating, modes, config, localization, verdict }: TargetSnapshot): string[] {
  const canBe = locating === undefined && config.locate !== undefined && localization.local.available;
  return canBe &&
    verdict.result === 'not_compliant' &&
    modes.some(({ finding }) => finding.upper !== undefined)
    ? ['Which box forgets? --locate finds out, in twice the timeout more.']
    : [];
}

/** What was tried of the advice, or why nothing was; nothing where nobody wanted it tried. */
function tried(proving: TargetSnapshot['proving'], paint: Paint, width: number): string[] {
  if (proving === undefined) return [];
  const why = whyUnproven(proving);
  const shown = why === undefined ? proving.proofs.map(proofWords) : [`nothing was proven: ${why}`];
  return [paint.strong('Whether the advice helps'), ...shown.flatMap((text) => wrapped(text, width, '- '))];
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
