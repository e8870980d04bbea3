/** What the standards require, quoted, and how it looks when a path does it. */
import { MODES, requirementsOf } from '../core/modes.js';
import type { Section, Tone } from './blocks.js';

/** What is required of the modes, short, and of whom, with where it stands. */
export const STANDARDS: Section = {
  heading: 'What the standards require',
  blocks: [
    ...requirementsOf(MODES).map(
      ({ quote, source, url }) => ({ kind: 'quotation', text: quote, source, url }) as const,
    ),
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
