/** The report's fixed texts and the words for its values, shared by all its forms. */
import { defined } from '../defined.js';
import type { Finding } from '../core/finding.js';
import { humanDuration } from '../core/human-duration.js';
import { RFC5382_REQ5 } from '../core/requirements.js';
import type { Bracket } from '../core/words.js';
import type { ModeResult, ReportDocument } from './document.js';

/** Heading of the verdict, by result. */
export const RESULT_WORDS: Readonly<Record<ReportDocument['verdict']['result'], string>> = {
  compliant: 'compliant',
  not_compliant: 'not compliant',
  unknown: 'no verdict',
};

/** What an explanation's certainty means. */
export const CERTAINTY_WORDS: Readonly<Record<ReportDocument['explanations'][number]['certainty'], string>> =
  {
    measured: 'measured',
    likely: 'likely',
    hint: 'a hint only',
  };

/** How far another cause is excluded. */
export const STATUS_WORDS: Readonly<Record<ReportDocument['ruled_out'][number]['status'], string>> = {
  ruled_out: 'ruled out',
  possible: 'possible',
  unknown: 'not known',
};

/** Quotations, short, with where they stand. */
export const REQUIREMENTS: readonly {
  readonly text: string;
  readonly source: string;
  readonly url: string;
}[] = [
  {
    text: RFC5382_REQ5.quote,
    source: 'RFC 5382 (BCP 142), REQ-5',
    url: RFC5382_REQ5.url,
  },
  {
    text:
      'If a CGN forwards packets containing a given transport protocol, then it MUST fulfill that transport ' +
      "protocol's behavioral requirements.",
    source: 'RFC 6888 (BCP 127), REQ-1',
    url: 'https://www.rfc-editor.org/rfc/rfc6888#section-3',
  },
];

/** How it was measured, one sentence each, for the protocol in use. */
export function methodSentences(document: ReportDocument): readonly string[] {
  const { search, target } = document;
  const common = [
    'Every test uses a TCP connection of its own, with TCP keepalive turned off. It is left idle, then the silence is broken once, and it is never used again.',
    `Idle times from ${humanDuration(search.min_idle_seconds)} to ${humanDuration(search.max_idle_seconds)} were asked for, with at most ${search.connections} idle connections per mode; a test without an answer within ${humanDuration(search.deadline_seconds)} is a death.`,
    'The lower bound is the longest idle time that survived, the upper bound the shortest that did not. The timeout lies between them.',
  ];
  switch (target.protocol) {
    case 'native':
      return [
        ...common,
        'Both ends exchange data before the idling starts, and the answer proves with a random number that the far end itself gave it.',
      ];
    case 'nat-tcp-test':
      return [
        ...common,
        'The far end speaks the NAT-TCP-test protocol. There the idle time starts when the connection is opened, no data is exchanged before it (except where the test needs it), and it cannot be seen whether an answer of this end arrived.',
      ];
    case 'embedded':
      return [
        ...common,
        'The far end and the NAT are built into the program, on the loopback interface: a demonstration, which says nothing about any line.',
      ];
  }
}

/** A mode's result in the form that the words for findings take. */
export function findingOf(mode: ModeResult): Bracket & Pick<Finding, 'timeout'> {
  return defined({
    timeout: mode.timeout_seconds,
    lower: mode.lower_bound_seconds,
    upper: mode.upper_bound_seconds,
    compliant: mode.result === 'unknown' ? undefined : mode.result === 'compliant',
  });
}

/** `2026-11-22 21:24:28` of an ISO time; the reader is told once that it is UTC. */
export function utcWords(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

/** The history reduced to the moments at which something changed by more than a test's noise. */
export function historyChanges(document: ReportDocument): ReportDocument['history'] {
  const last = new Map<string, string>();
  return document.history.filter((entry) => {
    const timeout = entry.timeout_seconds;
    const key = `${entry.compliant} ${timeout === undefined ? 'open' : Math.round(Math.log(timeout) / 0.02)}`;
    const changed = last.get(entry.mode) !== key;
    last.set(entry.mode, key);
    return changed;
  });
}
