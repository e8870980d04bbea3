/** The table of all targets: one line each, with its labels; every column can be sorted by. */
import { humanDuration } from '../../core/human-duration.js';
import type { TargetSnapshot } from '../../engine/snapshot.js';
import { type Html, html, verbatim } from '../../paper/html.js';
import { guarded } from '../guard.js';
import { type CardContext, cardId, standingBadge, timeAgo } from './card.js';
import {
  addressOf,
  lastConfirmed,
  type Selection,
  shortestTimeout,
  STANDINGS,
  type Wish,
} from './selection.js';
import { STANDING_WORDS, targetVerdict, unbroken } from './sentences.js';

/** Most labels that get a column. */
const MOST_LABELS = 6;

/** How the rows of the table look. */
export interface RowForm {
  /** Names of the labels that have a column. */
  readonly labels: readonly string[];
  /** Whether the cards are not on this page but on one of their own each. */
  readonly cardsElsewhere: boolean;
}

/** The labels of the targets in the order in which they are met; no more than a table has room for. */
export function labelColumns(targets: readonly TargetSnapshot[]): readonly string[] {
  return [...new Set(targets.flatMap(({ config }) => Object.keys(config.labels)))].slice(0, MOST_LABELS);
}

export function renderTable({ shown, wish }: Selection, context: CardContext): Html | undefined {
  if (shown.length === 0) return undefined;
  const { labels } = context.rows;
  const heads = [
    head('Target', 'name', wish),
    labels.map((label) => head(label, `label:${label}`, wish, 'label')),
    head('State', 'state', wish),
    head('Idle timeout', 'timeout', wish, 'timeout'),
    html`<th scope="col">Verdict</th>`,
    head('Confirmed', 'confirmed', wish, 'confirmed'),
  ];
  const table = html`<table class="overview"><caption>Overview</caption><thead><tr>${heads}</tr></thead><tbody>${shown.map((target) => renderRow(target, context))}</tbody></table>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Overview">${table}</div>`;
}

/** A head that sorts by its column, and the other way round when it does already. */
function head(words: string, column: string, wish: Wish, kind = 'plain'): Html {
  const isSorted = wish.sort.column === column;
  const order = wish.sort.descending ? 'descending' : 'ascending';
  const descending = isSorted && !wish.sort.descending;
  const link = html`<a href="${addressOf({ ...wish, page: 1, sort: { column, descending } })}">${words}</a>`;
  return isSorted
    ? html`<th scope="col" class="${kind}" aria-sort="${order}">${link}</th>`
    : html`<th scope="col" class="${kind}">${link}</th>`;
}

/** One line of the table; exchanged together with the card. */
export function renderRow(target: TargetSnapshot, context: CardContext): Html {
  const { name } = target.config;
  return guarded(
    target,
    context.broken,
    () => wholeRow(target, context),
    (why) =>
      html`<tr data-row="${name}">${[rowHead(target, context), labelCells(target, context)]}<td>–</td><td class="timeout">–</td><td class="sentence">cannot be shown: ${why}</td><td class="confirmed">–</td></tr>`,
  );
}

function wholeRow(target: TargetSnapshot, context: CardContext): Html {
  const { standing, sentence } = targetVerdict(target);
  const confirmed = lastConfirmed(target);
  const when = confirmed === undefined ? '–' : timeAgo(confirmed, context.now);
  return html`<tr data-row="${verbatim(target.config.name)}">${[rowHead(target, context), labelCells(target, context)]}<td>${standingBadge(standing)}</td><td class="timeout">${timeoutWords(target)}</td><td class="sentence">${unbroken(sentence)}</td><td class="confirmed">${when}</td></tr>`;
}

function rowHead({ config: { name } }: TargetSnapshot, { rows }: CardContext): Html {
  const to = rows.cardsElsewhere
    ? `?${new URLSearchParams({ target: name }).toString()}`
    : `#${cardId(name)}`;
  return html`<th scope="row"><a href="${to}">${name}</a></th>`;
}

function labelCells({ config }: TargetSnapshot, { rows }: CardContext): readonly Html[] {
  return rows.labels.map((label) => html`<td class="label">${config.labels[label] ?? ''}</td>`);
}

/** `1 h 0 min`, `≥ 2 h 9 min` where nothing died. */
function timeoutWords(target: TargetSnapshot): string {
  const timeout = shortestTimeout(target);
  if (timeout === undefined) return '–';
  const isOpen = target.modes.every(({ finding }) => finding.upper === undefined);
  return unbroken(`${isOpen ? '≥ ' : ''}${humanDuration(timeout)}`);
}

/** Finds targets by words and state; works without a script. */
export function renderFilter({ query, state, sort }: Wish): Html {
  const option = (value: string, words: string, isChosen: boolean): Html =>
    isChosen
      ? html`<option value="${value}" selected>${words}</option>`
      : html`<option value="${value}">${words}</option>`;
  const states = [
    option('', 'any', state === undefined),
    ...STANDINGS.map((standing) => option(standing, STANDING_WORDS[standing], standing === state)),
  ];
  const order = `${sort.descending ? '-' : ''}${sort.column}`;
  return html`<form class="filter" role="search" method="get"><label for="q">Find a target</label> <input id="q" name="q" type="search" value="${query}"> <label for="state">State</label> <select id="state" name="state">${states}</select> <input type="hidden" name="sort" value="${order}"><button type="submit">Find</button></form>`;
}
