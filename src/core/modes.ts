/** The modes: one row for each way to break the silence on an idle connection, and what is asked of it. */
import { type Requirement, RFC5382_REQ5 } from './requirements.js';
import type { Seconds } from '../units.js';

/** All that is said of a mode; whatever lists, explains or judges modes reads it here. */
export interface ModeRow {
  readonly transport: 'tcp';
  /** Which end sends the first packet after the silence: this one is `inside` of the NAT. */
  readonly from: 'inside' | 'outside';
  /** Who answers it: a kernel answers segments without payload, which some boxes eat. */
  readonly answeredBy: 'program' | 'kernel';
  /** Who breaks the silence, in a few words. */
  readonly who: string;
  /** The same as a whole sentence. */
  readonly meaning: string;
  /** What a path is measured against. */
  readonly requirement: Requirement;
}

const ROWS = {
  send: {
    transport: 'tcp',
    from: 'inside',
    answeredBy: 'program',
    who: 'this host breaks the silence',
    meaning: 'This end writes after the silence; the far end must answer.',
    requirement: RFC5382_REQ5,
  },
  recv: {
    transport: 'tcp',
    from: 'outside',
    answeredBy: 'program',
    who: 'the far end breaks the silence',
    meaning: 'The far end writes after the silence; this end must hear it, and its answer must arrive.',
    requirement: RFC5382_REQ5,
  },
  keepalive: {
    transport: 'tcp',
    from: 'inside',
    answeredBy: 'kernel',
    who: 'the kernel sends TCP keepalives',
    meaning:
      "This end's kernel sends TCP keepalives after the silence; the far end's kernel must acknowledge.",
    requirement: RFC5382_REQ5,
  },
} satisfies Record<string, ModeRow>;

/** Who breaks the silence on an idle connection: the name of a row. */
export type Mode = keyof typeof ROWS;

/** The row of each mode. */
export const MODE_ROWS: Readonly<Record<Mode, ModeRow>> = ROWS;

/** Every mode, in the order in which people read them. */
export const MODES: readonly Mode[] = Object.keys(ROWS) as Mode[];

/** What is asked of a mode. */
export function requirementOf(mode: Mode): Requirement {
  return MODE_ROWS[mode].requirement;
}

/** What is asked of several modes, each requirement once, in the order of the modes. */
export function requirementsOf(modes: readonly Mode[]): readonly Requirement[] {
  return [...new Set(modes.map(requirementOf))];
}

/**
 * The longest idle time that any of several modes must survive, seconds.
 *
 * @returns 0 without a mode
 */
export function longestRequired(modes: readonly Mode[]): Seconds {
  return Math.max(0, ...requirementsOf(modes).map(({ idle }) => idle));
}
