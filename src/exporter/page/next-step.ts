/** What to do now, under the headline: one sentence, the setting to copy, and where to read on. */
import { doNow } from '../../core/diagnosis/do-now.js';
import type { TargetSnapshot } from '../../engine/snapshot.js';
import { type Html, html } from '../../paper/html.js';
import type { CardContext } from './card.js';
import { type Standing, targetVerdict, unbroken } from './sentences.js';

/** Where the runbook tells what a target in this state means. */
const CHAPTERS: Readonly<Record<Standing, string>> = {
  violating: '#natidletimeoutbelowrfc5382',
  down: '#natidletargetdown',
  measuring: '',
  compliant: '',
};

export function renderDoNow(target: TargetSnapshot, { reports, measureToken }: CardContext): Html {
  const { config } = target;
  const { sentence, setting } = doNow(target);
  const { standing } = targetVerdict(target);
  const [condition] = target.verdict.conditions;
  const chapter = condition === undefined ? CHAPTERS[standing] : `#${condition}`;
  const path = encodeURIComponent(config.name);
  return html`<div class="now">
<p><strong>What to do now:</strong> ${unbroken(sentence)}</p>
${setting !== undefined && renderSnippet(setting.product, setting.text)}
<div class="ways">${[
    measureToken !== undefined && isFound(target) && measureAgain(path, measureToken),
    reports && html`<a href="report/${path}">Report for the network's operator</a>`,
    html`<a href="runbook${chapter}">Runbook</a>`,
    html`<a href="known-timeouts">Known timeouts</a>`,
  ]}</div>
</div>`;
}

/** Before there is a finding everything is asked as early as it can be already. */
function isFound({ modes, up }: TargetSnapshot): boolean {
  return up !== false && modes.some(({ finding }) => finding.phase === 'track');
}

function measureAgain(path: string, token: string): Html {
  return html`<form class="again" method="post" action="api/v1/targets/${path}/measure"><input type="hidden" name="token" value="${token}"><button type="submit">Measure again now</button> <span class="asked" role="status"></span></form>`;
}

/** A setting with its product; a script adds a button that copies it. */
export function renderSnippet(product: string, text: string, note?: Html): Html {
  return html`<figure class="snippet"><figcaption>${product}${note !== undefined && html` ${note}`}</figcaption><pre tabindex="0" role="group" aria-label="${product}"><code>${text}</code></pre></figure>`;
}
