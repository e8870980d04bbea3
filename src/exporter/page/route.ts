/** Which box forgets, on a target's card: the path as a row of stops, the sentence, and what to do about it. */
import { humanDuration } from '../../core/human-duration.js';
import type { Locating, LocateRun, LocalizationTold, ModeLocating } from '../../core/locate/locating.js';
import { evidenceLines, profileSentences } from '../../core/locate/locate-words.js';
import { locatedPath, type Station, type StationMark, stationsOf } from '../../core/locate/path-stations.js';
import { placeAdvice } from '../../core/locate/place-advice.js';
import { requirementOf } from '../../core/modes.js';
import type { TargetSnapshot } from '../../engine/snapshot.js';
import { type Html, html } from '../../paper/html.js';
import type { Seconds } from '../../units.js';
import { isoMoment, moment, unbroken } from './sentences.js';

const MARKS: Readonly<Record<StationMark, string>> = { forgets: 'forgets', perhaps: 'perhaps' };

const STAGES: Readonly<Record<LocateRun['stage'], string>> = {
  distances: 'the routers are counted',
  rows: 'connections idle, kept fresh as far as each router',
  confirmation: 'what the answer rests on is asked again',
  profile: 'the idle timeout of every place is looked for',
};

/** What is known of the box that forgets; undefined where it is not looked for. */
export function renderRoutes({ locating, modes }: TargetSnapshot): Html | undefined {
  if (locating === undefined) return undefined;
  const shown = locating.modes.filter(({ found, running }) => found !== undefined || running !== undefined);
  if (shown.length === 0) return notLookedFor(locating);
  return html`<div class="routes">${shown.map((each) => {
    const finding = modes.find(({ mode }) => mode === each.mode)?.finding;
    return renderRoute(each, locating, finding?.compliant === true);
  })}</div>`;
}

function notLookedFor({ modes }: Locating): Html | undefined {
  const reasons = [...new Set(modes.flatMap(({ why }) => why ?? []))];
  if (reasons.length === 0) return undefined;
  return html`<div class="routes"><section><h3>Which box forgets</h3><p class="who">Not looked for: ${reasons.join('; ')}.</p></section></div>`;
}

function renderRoute({ mode, running, found }: ModeLocating, locating: Locating, isCompliant: boolean): Html {
  return html`<section class="route-of"><h3>Which box forgets <span class="who">${mode}</span></h3>
${running !== undefined && html`<p class="who">${runWords(running)}</p>`}
${found !== undefined && renderFound(found, locating, isCompliant ? undefined : requirementOf(mode).idle)}</section>`;
}

function runWords({ stage, connections, left }: LocateRun): string {
  const open = connections === 1 ? 'one connection' : `${connections} connections`;
  return unbroken(`Being looked for: ${STAGES[stage]} (${open}), about ${humanDuration(left)} left.`);
}

/** @param required idle time that has to survive; undefined where nothing has to be done */
function renderFound(found: LocalizationTold, { addresses }: Locating, required: Seconds | undefined): Html {
  const { at, sentence, result, profile } = found;
  const stations = stationsOf(locatedPath(found, addresses));
  const advice = required === undefined ? undefined : placeAdvice(found, addresses, required);
  return html`<p class="finding">${unbroken(sentence)} <time class="fresh" datetime="${isoMoment(at)}">${moment(at)}</time></p>
${stations !== undefined && route(stations)}
${advice !== undefined && html`<p class="todo">${unbroken(advice.todo)}</p>`}
${profile !== undefined && html`<ul class="profile">${profileSentences(profile).map((each) => html`<li>${unbroken(each)}</li>`)}</ul>`}
<details data-key="located-${result.evidence.mode}"><summary>Evidence</summary><ul class="evidence">${evidenceLines(result.evidence).map((line) => html`<li>${unbroken(line)}</li>`)}</ul></details>`;
}

function route(stations: readonly Station[]): Html {
  return html`<ol class="route">${stations.map(stop)}</ol>`;
}

function stop({ kind, hop, address, mark }: Station): Html {
  const words = mark !== undefined && html`<span class="mark">${MARKS[mark]}</span>`;
  const classes = [kind === 'gap' ? 'gap' : 'stop', ...(mark === undefined ? [] : [mark])].join(' ');
  if (kind === 'gap')
    return mark === undefined
      ? html`<li class="${classes}" aria-hidden="true"></li>`
      : html`<li class="${classes}"><span class="place">no address</span>${words}</li>`;
  const name = kind === 'here' ? 'this computer' : kind === 'far_end' ? 'far end' : `hop ${hop}`;
  return html`<li class="${classes}"><span class="place">${name}</span>${address !== undefined && html`<span class="address">${address}</span>`}${words}</li>`;
}
