/** What standards ask of a NAT's memory: one row for each requirement, and the only place where its seconds stand. */
import type { Seconds } from '../units.js';

/** A clause that says how long an idle mapping must be remembered. */
export interface Requirement {
  /** The least idle time that a mapping must survive, seconds. */
  readonly idle: Seconds;
  /** The document as people cite it. */
  readonly standard: string;
  /** The same with the clause. */
  readonly clause: string;
  /** The same as the source of a quotation, with what else it is known as. */
  readonly source: string;
  /** Its own words. */
  readonly quote: string;
  /** Where they stand. */
  readonly url: string;
  /** The gauge that says whether a mode complies: 1, 0, or absent while unknown. */
  readonly metric: string;
}

/** RFC 6888 REQ-1 binds carrier-grade NATs to it. */
export const RFC5382_REQ5: Requirement = {
  idle: 7440,
  standard: 'RFC 5382',
  clause: 'RFC 5382 REQ-5',
  source: 'RFC 5382 (BCP 142), REQ-5',
  quote:
    'If a NAT cannot determine whether the endpoints of a TCP connection are active, it MAY abandon the session ' +
    'if it has been idle for some time. In such cases, the value of the "established connection idle-timeout" ' +
    'MUST NOT be less than 2 hours 4 minutes.',
  url: 'https://www.rfc-editor.org/rfc/rfc5382#section-5',
  metric: 'rfc5382_req5_compliant',
};
