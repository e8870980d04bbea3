/** `remeasure`: has a running exporter measure a target again. */
import type { Endpoint } from '../http/request.js';
import { accessTable, endpoint } from './audit-flags.js';
import { command } from './command.js';
import { group, text, UsageError } from './flags.js';
import { httpUrl } from './shared-flags.js';

function exporterUrl(found: string): string {
  const url = httpUrl(found, ' (use --username and --password-file)');
  if (url.includes('?')) throw new UsageError('must not have a query (?)');
  return url;
}

const table = {
  ...group('Exporter:', {
    url: text(
      '--exporter <url>',
      'the page of the exporter, its route prefix included',
      'http://localhost:15382/',
      exporterUrl,
    ),
  }),
  access: accessTable('the exporter'),
};

export interface RemeasureFlags {
  /** Name of the target. */
  readonly target: string;
  readonly exporter: Endpoint;
}

export const remeasureCommand = command({
  name: 'nat-idle-exporter remeasure',
  description:
    'Has a running exporter measure a target again now: a shorter timeout shows within seconds, a longer one within ' +
    'one timeout. Once a minute a target.',
  usage: 'TARGET [flags]',
  argument: { name: 'target', help: 'the name of the target in its configuration' },
  table,
  footer: `

Exit status: 0 it is being measured, 2 usage error, 3 it is not (asked too soon, the far end does not answer,
no such target, no exporter there).`,
  options: ({ url, access }, _isGiven, target): RemeasureFlags => ({
    target,
    exporter: endpoint(url, access),
  }),
});
