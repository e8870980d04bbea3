/** "NAT idle timeout": one path, everything that is known about it. */
import { assemble, type Dashboard } from './assemble.js';
import { datasourceVariable, labelVariable, mark } from './kit.js';
import { locatedPanels } from './located-panels.js';
import { modeBracket, worstBracket } from './path-bracket.js';
import { evidence, testsOfMode } from './path-evidence.js';
import { advice, closer, glance } from './path-glance.js';
import { search } from './path-search.js';
import { MODES, PATH, PATH_UID } from './path-selectors.js';

export function pathDashboard(): Dashboard {
  return assemble({
    uid: PATH_UID,
    title: 'NAT idle timeout',
    description:
      'How long the NATs and firewalls on one path remember an idle TCP connection, and what to set because of it.',
    from: 'now-30d',
    variables: [
      datasourceVariable(),
      labelVariable(
        'job',
        'Job',
        'label_values(nat_search_phase, job)',
        'Scrape job of the exporter.',
        'any',
      ),
      labelVariable(
        'instance',
        'Exporter',
        'label_values(nat_search_phase{job=~"$job"}, instance)',
        'The exporter that measures.',
        'any',
      ),
      labelVariable(
        'target',
        'Target',
        'label_values(nat_search_phase{job=~"$job", instance=~"$instance"}, target)',
        'The far end of the path.',
        'one',
      ),
      labelVariable(
        'mode',
        'Mode',
        'label_values(nat_search_phase{job=~"$job", instance=~"$instance", target=~"$target"}, mode)',
        "Who breaks the silence: send the client, recv the far end, keepalive the client's kernel.",
        'any',
      ),
    ],
    annotations: [
      mark(
        'All mappings lost',
        `increase(nat_mapping_losses_total{${PATH}}[$__rate_interval]) > 0`,
        'purple',
        '{{target}}',
      ),
      mark(
        'Idle timeout changed',
        `increase(nat_idle_timeout_changes_total{${PATH}}[$__rate_interval]) > 0`,
        'orange',
        '{{mode}}: {{direction}}',
      ),
    ],
    sections: [
      { title: 'At a glance: $target', panels: [...glance(), ...closer()] },
      { title: 'What to set, and how fresh this is', panels: advice() },
      { title: 'Where the timeout lies', panels: worstBracket() },
      { title: 'Which box forgets', collapsed: true, panels: locatedPanels(PATH, MODES) },
      { title: 'Evidence', collapsed: true, panels: evidence() },
      { title: 'The search itself', collapsed: true, panels: search() },
      { title: 'Mode $mode', collapsed: true, repeat: 'mode', panels: [modeBracket(), ...testsOfMode()] },
    ],
  });
}
