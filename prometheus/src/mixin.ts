/**
 * The rules with holes where a platform's own configuration fills something in: what `mixin.libsonnet` imports. A text with
 * holes is `{parts: […]}`, for jsonnet joins texts much faster than it searches them; a hole is matchers, or a threshold
 * as a number, as a duration of PromQL, in words, in percent.
 */
import { parser } from '@prometheus-io/lezer-promql';
import { load } from 'js-yaml';
import { inWords } from './alerts.js';
import { renderAlerts, renderRecordingRules } from './render.js';
import { promDuration, SHIPPED_THRESHOLDS, type Thresholds } from './thresholds.js';
import type { Level } from './recording.js';

type Name = keyof Thresholds;
const NAMES = Object.keys(SHIPPED_THRESHOLDS) as Name[];

/** Numbers that stand for thresholds: none occurs in a rule otherwise, and none is a round duration. */
const STAND_INS = Object.fromEntries(
  NAMES.map((name, index) => [name, 7_000_003 + 2 * index]),
) as unknown as Thresholds;

type Hole = Readonly<Record<string, string>>;

/** Puts holes in the place of the stand-ins. */
function withHoles(text: string): string | { readonly parts: readonly (string | Hole)[] } {
  const marked = NAMES.reduce((rest, name) => {
    const standIn = STAND_INS[name];
    // The longer ones first: they contain the number itself.
    return rest
      .replaceAll(String(100 * standIn), `<<percent ${name}>>`)
      .replaceAll(inWords(standIn), `<<words ${name}>>`)
      .replaceAll(promDuration(standIn), `<<duration ${name}>>`)
      .replaceAll(String(standIn), `<<number ${name}>>`);
  }, text);
  const parts = marked.split(/<<|>>/);
  if (parts.length === 1) return marked;
  return {
    parts: parts.map((part, index) => {
      const [kind = '', name = ''] = part.split(' ');
      return index % 2 === 0 ? part : { [kind]: name };
    }),
  };
}

/** Lets every selector of scraped series take more matchers; recorded ones, whose names have a colon, may lack the labels. */
function withMatchers(expr: string): string {
  const places: { readonly at: number; readonly hole: string }[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, node }) => {
      if (name !== 'VectorSelector') return;
      const metric = node.getChild('Identifier');
      const matchers = node.getChild('LabelMatchers');
      if (metric === null || expr.slice(metric.from, metric.to).includes(':')) return;
      places.push(
        matchers === null
          ? { at: metric.to, hole: '<<matchers only>>' }
          : { at: matchers.to - 1, hole: '<<matchers more>>' },
      );
    },
  });
  return places
    .sort((one, other) => other.at - one.at)
    .reduce((rest, { at, hole }) => rest.slice(0, at) + hole + rest.slice(at), expr);
}

/** The groups of a rule file as an object, with its holes. */
function groupsOf(yaml: string): unknown {
  const { groups } = load(yaml) as { groups: unknown };
  return JSON.parse(
    JSON.stringify(groups, (key, value: unknown) => {
      if (typeof value !== 'string') return value;
      return withHoles(key === 'expr' ? withMatchers(value) : value);
    }),
  ) as unknown;
}

/** The file that the mixin imports. */
export function renderMixin(levels?: readonly Level[]): string {
  const imported = {
    thresholds: SHIPPED_THRESHOLDS,
    rules: groupsOf(renderRecordingRules(undefined, levels)),
    alerts: groupsOf(renderAlerts({ thresholds: STAND_INS })),
  };
  return `${JSON.stringify(imported, undefined, 2)}\n`;
}
