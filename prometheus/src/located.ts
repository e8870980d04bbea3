/** Where the box stands, for a description: only Prometheus' templates can ask for another series. */
import { PLACE_WORDS } from '../../src/core/locate/places.js';

const SERIES =
  'nat_forgetting_box_info{job=%q, instance=%q, target=%q} == 1" $labels.job $labels.instance $labels.target';

/** A sentence for each mode in which it was located; nothing where it was not. */
export function locatedWords(): string {
  const places = Object.entries(PLACE_WORDS).map(
    ([place, words], index) => `{{ ${index === 0 ? 'if' : 'else if'} eq .Labels.place "${place}" }}${words}`,
  );
  return [
    `{{ range query (printf "${SERIES}) | sortByLabel "mode" }}`,
    ' Located in mode {{ .Labels.mode }}{{ with .Labels.hop }} at hop {{ . }}{{ end }}',
    ` (${places.join('')}{{ end }}).`,
    '{{ end }}',
  ].join('');
}
