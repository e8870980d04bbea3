/** How the program was called, for commands that it tells people to type. */
import { basename } from 'node:path';
import type { Environment } from './environment.js';

/** The installed command's name. */
const COMMAND = 'nat-idle-exporter';

/**
 * What to type in front of a subcommand: `nat-idle-exporter`, `npx nat-idle-exporter`, or `node dist/main.js`.
 *
 * @param script the script that runs, as it was named (`process.argv[1]`)
 */
export function called(script: string | undefined, environment: Environment): string {
  // npm's links have the command's name; whoever names the file itself may have nothing else.
  if (script !== undefined && !basename(script).startsWith(COMMAND)) return `node ${script}`;
  return environment['npm_command'] === 'exec' ? `npx ${COMMAND}` : COMMAND;
}
