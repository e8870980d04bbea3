/** `init`: the first configuration file. */
import { EMBEDDED_TARGET_NAME } from '../config/far-ends.js';
import { parseHostPort } from '../config/listen-address.js';
import { defined } from '../defined.js';
import { command } from './command.js';
import { DEFAULT_CONFIG_FILE } from './exporter-flags.js';
import { farEndParts } from './far-end-argument.js';
import { group, optional, reading, text, UsageError, type ValuesOf } from './flags.js';

/** The flag without which there have to be questions. */
export const FAR_END = '--far-end';

const table = {
  ...group('Answers:', {
    farEnd: optional(
      `${FAR_END} <far end>`,
      'what to measure: HOST[:PORT] of a responder, ssh://[USER@]HOST[:PORT], nat-tcp-test://HOST, or embedded',
    ),
    keyFile: optional(
      '--key-file <file>',
      "file with the responder's token, or the key to log in with at an SSH server",
    ),
    stateDir: text(
      '--state-dir <folder>',
      'folder for what survives a restart, empty for none',
      './data',
      (folder) => folder,
    ),
  }),
  ...group('Output:', {
    output: text('--output <file>', 'where to write; never over a file', DEFAULT_CONFIG_FILE, (file) => {
      if (file === '') throw new UsageError('must not be empty');
      return file;
    }),
  }),
};

export type InitFlags = ValuesOf<typeof table>;

/** The keys of the one target, as the configuration file has them. */
export type InitTarget = Readonly<Record<string, unknown>> & { readonly name: string };

/**
 * The target of a far end as people write it.
 *
 * @param place how messages call what was written
 * @throws UsageError
 */
export function targetOf(farEnd: string, keyFile: string | undefined, place = FAR_END): InitTarget {
  if (farEnd === EMBEDDED_TARGET_NAME) return { name: farEnd, embedded: { idle_timeout: '1m' } };
  const { scheme, user, host } = farEndParts(farEnd, place);
  const { host: name, port } = reading(place, () => parseHostPort(host));
  const isSsh = scheme === 'ssh';
  return {
    name,
    ...defined({ host: name, port, protocol: scheme, user }),
    ...defined(isSsh ? { identity_file: keyFile } : { token_file: keyFile }),
  };
}

export const initCommand = command({
  name: 'nat-idle-exporter init',
  description: `Writes a commented configuration file. Asks three questions; with ${FAR_END} it asks nothing.`,
  usage: '[flags]',
  table,
  options: (values): InitFlags => values,
});
