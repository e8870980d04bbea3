/** "Fleet (CGN audit)": many paths side by side, the worst first. */
import { NOT_EMBEDDED } from '../../prometheus/src/expressions.js';
import { assemble, type Dashboard } from './assemble.js';
import { byLabel, kinds, shares } from './fleet-shares.js';
import { paths } from './fleet-table.js';
import { datasourceVariable, filterVariable, labelVariable } from './kit.js';

export function fleetDashboard(): Dashboard {
  return assemble({
    uid: 'nat-idle-fleet',
    title: 'NAT idle timeout: fleet (CGN audit)',
    description:
      'Many paths side by side: which violate RFC 5382 REQ-5, how badly, and what they have in common.',
    from: 'now-7d',
    variables: [
      datasourceVariable(),
      labelVariable(
        'job',
        'Job',
        'label_values(nat_search_phase, job)',
        'Scrape job of the exporters.',
        'any',
      ),
      labelVariable(
        'instance',
        'Exporter',
        'label_values(nat_search_phase{job=~"$job"}, instance)',
        'The exporters that measure.',
        'any',
      ),
      labelVariable(
        'target',
        'Target',
        `label_values(nat_search_phase{${NOT_EMBEDDED}, job=~"$job", instance=~"$instance"}, target)`,
        'The far ends of the paths.',
        'any',
      ),
      labelVariable(
        'mode',
        'Mode',
        'label_values(nat_search_phase{job=~"$job", instance=~"$instance"}, mode)',
        'Who breaks the silence.',
        'any',
      ),
      labelVariable(
        'label',
        'Compare by',
        'label_names(nat_target_up)',
        'A label of the targets, to compare its values.',
        'one',
      )
        .regex('/^(?!__name__$).*/')
        .current({ text: 'target', value: 'target' }),
      filterVariable(),
    ],
    sections: [
      { title: 'How many paths keep idle connections', panels: shares() },
      { title: 'Compared by $label', panels: byLabel() },
      { title: 'What they have in common', panels: kinds() },
      { title: 'Every path', panels: paths() },
    ],
  });
}
