/** The form above a report that a site shows: what the customer adds to it. It is sent back, and kept nowhere. */
import { type Html, html } from '../paper/html.js';
import { LONGEST_FIELD, type Reference, REFERENCE_FIELDS } from './reference.js';

/** What the form was filled in with. */
export interface FormValues {
  readonly reference: Reference | undefined;
  readonly timeZone: string;
  readonly redact: boolean;
}

/** What can be saved, and how its button is called. */
const FILES = { html: 'HTML', csv: 'all tests as CSV', md: 'Markdown', json: 'JSON' } as const;

/** Renders the form. It works without a script, and is left out in print and in what is saved. */
export function reportForm({ reference = {}, timeZone, redact }: FormValues): Html {
  const field = (name: string, words: string, value: string): Html =>
    html`<label>${words}<input name="${name}" value="${value}" maxlength="${LONGEST_FIELD}"></label>\n`;
  return html`<form method="post" autocomplete="off" aria-label="For the report">
<div class="fields">
${Object.entries(REFERENCE_FIELDS).map(([name, words]) => field(name, words, reference[name as keyof Reference] ?? ''))}${field('time_zone', 'Time zone of local times', timeZone)}</div>
<p><label><input type="checkbox" name="redact" value="1"${redact && html` checked`}> For a public place: without addresses, host names, time zone and the fields above</label></p>
<p><button type="submit">Show</button> Save: ${Object.entries(FILES).map(([format, words]) => html`<button type="submit" name="save" value="${format}">${words}</button>`)}</p>
<p>What you write is put on the report and kept nowhere.</p>
</form>
`;
}
