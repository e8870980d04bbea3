/** Tells systemd that a service of `Type=notify` is ready: until then `systemctl start` waits, and a reload too. */
import { spawn } from 'node:child_process';

/**
 * Where systemd waits for that. Node opens no datagram sockets of files, so that systemd's own program says it; the unit
 * allows that with `NotifyAccess=all`.
 *
 * @see sd_notify(3), systemd-notify(1)
 */
export function tellSystemd(environment: Readonly<Record<string, string | undefined>>): void {
  if (environment['NOTIFY_SOCKET'] === undefined) return;
  const options = { stdio: 'ignore', env: environment } as const;
  spawn('systemd-notify', ['--ready'], options).on('error', (error) => {
    process.stderr.write(`systemd cannot be told that this service is ready: ${error.message}\n`);
  });
}
