/** What the standards require, quoted, and how it looks when a path does it. */
import { RFC5382_REQ5 } from '../core/requirements.js';
import type { Section, Tone } from './blocks.js';

/** The two requirements, short, with where they stand. */
export const STANDARDS: Section = {
  heading: 'What the standards require',
  blocks: [
    {
      kind: 'quotation',
      text: RFC5382_REQ5.quote,
      source: 'RFC 5382 (BCP 142), REQ-5',
      url: RFC5382_REQ5.url,
    },
    {
      kind: 'quotation',
      text:
        'If a CGN forwards packets containing a given transport protocol, then it MUST fulfill that transport ' +
        "protocol's behavioral requirements.",
      source: 'RFC 6888 (BCP 127), REQ-1',
      url: 'https://www.rfc-editor.org/rfc/rfc6888#section-3',
    },
  ],
};

/** The tone of a verdict on them. */
export const RESULT_TONES: Readonly<Record<'compliant' | 'not_compliant' | 'unknown', Tone>> = {
  compliant: 'good',
  not_compliant: 'bad',
  unknown: 'open',
};
