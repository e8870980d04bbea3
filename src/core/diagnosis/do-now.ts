/** The one thing to do now about a path: decided here, and said by the page, the report and the terminal. */
import type { Seconds } from '../../units.js';
import { durationWithSeconds } from '../human-duration.js';
import type { Locating } from '../locate/locating.js';
import { placeAdvice } from '../locate/place-advice.js';
import { longestRequired, type Mode } from '../modes.js';
import type { PathCondition } from './conditions.js';
import { toldTimeout, type ToldFarEnd } from './decided.js';
import type { Explanation } from './explanation.js';
import type { PathVerdict } from './path-verdict.js';
import { type Proving, verifiedBy } from './proof.js';
import { type Settings, TRIED_WORDS } from './settings.js';

/** What to do now. */
export interface DoNow {
  /** One plain sentence, with its full stop. */
  readonly sentence: string;
  /** What to paste for it, where there is something: a product's name and a part of its configuration. */
  readonly setting?: { readonly product: string; readonly text: string };
}

/** What it follows from: a snapshot of a target is one. */
export interface Situation {
  readonly config: {
    readonly far_end: ToldFarEnd;
    readonly modes: readonly Mode[];
    readonly search: { readonly max_idle: Seconds };
  };
  /** Whether the far end answers now; absent before the first try ended. */
  readonly up?: boolean | undefined;
  /** What has to be set right before it can answer: a key of the configuration, or a flag. */
  readonly remedy?: string | undefined;
  readonly verdict: PathVerdict;
  readonly explanations: readonly Explanation[];
  readonly settings?: Settings | undefined;
  readonly proving?: Proving | undefined;
  readonly locating?: Locating | undefined;
}

/** What Linux has for established connections unless told otherwise, seconds. */
const TRACKED_BY_DEFAULT = 432_000;
const TRACKING = `net.netfilter.nf_conntrack_tcp_timeout_established = ${TRACKED_BY_DEFAULT}`;

/** Explanations that accuse a host of ours, which its owner can mend. */
const OWN_TRACKING: Readonly<Record<string, string>> = {
  local_conntrack_near: 'this host',
  responder_conntrack_near: "the responder's host",
};

/** Conditions that decide by themselves what is to be done, whatever the timeout. */
const BY_CONDITION: Partial<Readonly<Record<PathCondition, string>>> = {
  fixed_lifetime: 'Have programs connect anew in time',
  connection_quota: 'Open fewer connections at once, or keep those busy that matter',
};

/**
 * The one thing to do now.
 *
 * @param isRunning whether the measurement goes on; where it has ended, waiting helps nobody
 */
export function doNow(path: Situation, isRunning = true): DoNow {
  const { verdict } = path;
  for (const [condition, what] of Object.entries(BY_CONDITION)) {
    const index = verdict.conditions.findIndex((each) => each === condition);
    if (index >= 0) return { sentence: `${what}: ${verdict.remarks[index] ?? condition}.` };
  }
  if (verdict.result === 'compliant')
    return { sentence: 'Nothing has to be done: idle connections live as long as the standard asks.' };
  if (verdict.check !== undefined && isRunning)
    return { sentence: `Wait for the verdict: ${verdict.check.words}.` };
  return ownTracking(path) ?? keepBusy(path) ?? learnMore(path, isRunning);
}

/** A host of the reader's own that may be the one which forgets comes before any workaround. */
function ownTracking({ explanations }: Situation): DoNow | undefined {
  const accused = explanations.find(({ id }) => Object.hasOwn(OWN_TRACKING, id));
  if (accused === undefined) return undefined;
  const host = OWN_TRACKING[accused.id] ?? '';
  return {
    sentence: `Raise the connection tracking of ${host}, which may be what was measured, and measure again: ${TRACKING}.`,
    setting: { product: `Linux kernel of ${host} (/etc/sysctl.d/)`, text: TRACKING },
  };
}

/** What to send how often; undefined where no interval is advised. */
function keepBusy(path: Situation): DoNow | undefined {
  const { settings, proving, verdict, config } = path;
  const blame =
    config.far_end.kind === 'embedded'
      ? '; then measure a path of your own, for this one is built in'
      : verdict.result === 'not_compliant'
        ? isNoOperators(path)
          ? '; then see to the box that was located'
          : "; then give the report to the network's operator"
        : '';
  if (settings === undefined)
    return verdict.result === 'not_compliant'
      ? { sentence: `Keep connections busy all the time, and let none fall silent${blame}.` }
      : undefined;
  if (verdict.result !== 'not_compliant' && !verdict.conditions.includes('proxy_closes')) return undefined;
  const { keepalive, data } = verifiedBy(proving?.proofs ?? []);
  if (keepalive === false && data === false)
    return {
      sentence: `Have programs connect anew after a silence: neither TCP keepalives nor data kept a connection alive here${blame}.`,
    };
  const best = settings.snippets.find(({ tried }) => tried === 'held') ?? settings.snippets[0];
  const what = data === false ? 'TCP keepalives' : settings.leftOut.length > 0 ? 'data' : 'something';
  const send = `Send ${what} at least every ${durationWithSeconds(settings.interval)}`;
  if (best === undefined) return { sentence: `${send}${blame}.` };
  const { product, text, tried } = best;
  return {
    sentence: `${send}: ${lineWith(text, settings.interval)} for the ${named(product)} (${TRIED_WORDS[tried]})${blame}.`,
    setting: { product, text },
  };
}

/** Whether every box that was located is one about which nobody has to be asked. */
function isNoOperators({ locating, config }: Situation): boolean {
  const advice = (locating?.modes ?? []).flatMap(({ found }) =>
    found === undefined
      ? []
      : (placeAdvice(found, locating?.addresses ?? [], longestRequired(config.modes)) ?? []),
  );
  return advice.length > 0 && advice.every(({ letter }) => letter === undefined);
}

/** `ServerAliveInterval 19` of the lines of a setting. */
function lineWith(text: string, interval: number): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => line.includes(String(interval))) ?? lines[0] ?? '';
}

/** `OpenSSH client` of `OpenSSH client (~/.ssh/config)`. */
function named(product: string): string {
  return product.split(/ \(|[:,]/)[0] ?? product;
}

/** Nothing is decided: how to come to a verdict. */
function learnMore({ config, up, remedy, settings }: Situation, isRunning: boolean): DoNow {
  if (up === false && remedy !== undefined)
    return { sentence: `Set ${remedy} right: as it is, the far end will never answer.` };
  if (up === false)
    return { sentence: 'Make sure that the far end runs and that nothing on the way blocks its port.' };
  // An interval is advised once every mode has a finding: waiting would bring nothing new.
  if (settings !== undefined && config.far_end.kind === 'ssh')
    return {
      sentence:
        'For a verdict run the responder there: an SSH server breaks the silence too early by itself.',
    };
  const told = toldTimeout(config.far_end);
  if (isRunning && told !== undefined && told < config.search.max_idle)
    return {
      sentence: `Wait: a finding takes a little longer than the timeout itself, here ${durationWithSeconds(told)}.`,
    };
  const required = durationWithSeconds(longestRequired(config.modes));
  if (config.search.max_idle < longestRequired(config.modes))
    return { sentence: `For a verdict have idle times of more than ${required} tested (max idle).` };
  return {
    sentence: isRunning
      ? `Wait: a finding takes as long as the timeout itself, up to ${required}.`
      : 'Measure again and let it run to its end: nothing is decided yet.',
  };
}
