/** One of Debian's SSH servers as the far end of a lab. */
import { prepareSshServer, SSH_PORT, type SshServerSettings } from '../support/sshd.js';
import { type Lab, SERVER } from './lab.js';

/**
 * Starts the server.
 * @param settings how it is set up
 * @returns how `measure` is told of it
 */
export async function startSshFarEnd(
  lab: Lab,
  directory: string,
  settings: SshServerSettings = {},
): Promise<readonly string[]> {
  const files = prepareSshServer(directory, settings);
  const [command = '', ...args] = files.argv;
  lab.spawn('server', command, args);
  await files.listening();
  return [
    `ssh://normal@${SERVER.v4}:${SSH_PORT}`,
    `--identity-file=${files.identityFile}`,
    `--known-hosts-file=${files.trust(`[${SERVER.v4}]:${SSH_PORT}`)}`,
  ];
}
