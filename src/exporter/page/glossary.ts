/** The signs of the pictures, and what the words of the page mean. */
import { humanDuration } from '../../core/human-duration.js';
import { MODE_ROWS, MODES, requirementsOf } from '../../core/modes.js';
import { type Html, html } from '../../paper/html.js';

export function renderLegend(): Html {
  const sign = (body: Html, text: string): Html =>
    html`<li><svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">${body}</svg> ${text}</li>`;
  const box = (name: string): Html => html`<rect class="${name}" x="-7" y="-5" width="14" height="10"/>`;
  return html`<p class="visually-hidden">Signs in the pictures:</p><ul class="legend">${[
    sign(html`<circle class="alive" r="4.5"/>`, 'survived'),
    sign(html`<path class="dead" d="M-4-4 4 4M-4 4 4-4"/>`, 'died'),
    sign(html`<circle class="inconclusive" r="1.8"/>`, 'no clear answer'),
    sign(html`<circle class="waiting" r="3"/>`, 'waiting, moving right'),
    sign(box('remembered'), 'remembered'),
    sign(box('bracket'), 'in between'),
    sign(box('forgotten'), 'forgotten'),
    requirementsOf(MODES).map(({ idle, clause }) =>
      sign(html`<line class="req5" x1="0" x2="0" y1="-7" y2="7"/>`, `${humanDuration(idle)}, ${clause}`),
    ),
  ]}</ul>${glossary()}`;
}

const TERMS: readonly (readonly [term: string, meaning: string])[] = [
  [
    'NAT',
    'Address translation: a box that lets several machines share one public address. It keeps an entry for each connection.',
  ],
  ['Idle timeout', 'How long a connection may be silent before a box on the way forgets its entry.'],
  [
    'Forgotten',
    'The entry is gone: what is sent afterwards is lost, although both ends think that they are connected.',
  ],
  ['Far end', 'The machine at the other end of the measurement, as a rule a server of yours.'],
  [
    'In between',
    'The timeout lies here: the shortest silence that did not survive, and the longest one that did.',
  ],
  [
    'Connection tracking',
    'The table of connections that the firewall of a host of its own keeps; it forgets, too.',
  ],
  ['Keepalive', 'A tiny packet whose only purpose is to break the silence.'],
  [
    'Measured, likely, hint',
    'How sure a statement is: seen here; the best explanation of what was seen; a guess.',
  ],
  ['Proven here', 'The setting kept a connection of this path alive. What was not tried may still be right.'],
];

function glossary(): Html {
  const modes = MODES.map((mode) => [mode, MODE_ROWS[mode].meaning] as const);
  const rules = requirementsOf(MODES).map(
    ({ idle, clause, standard }) =>
      [
        clause,
        `What ${standard} asks of every such box: to remember for at least ${humanDuration(idle)}.`,
      ] as const,
  );
  const entries = [...TERMS, ...modes, ...rules].map(
    ([term, meaning]) => html`<div><dt>${term}</dt><dd>${meaning}</dd></div>`,
  );
  return html`<details class="glossary" data-key="glossary"><summary><span class="ask" aria-hidden="true">?</span> What the words mean</summary><dl>${entries}</dl></details>`;
}
