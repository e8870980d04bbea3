/** What the operating system says of an address that cannot be listened on, in words. */
import { formatListenAddress, type ListenAddress } from '../config/listen-address.js';
import type { Problem } from '../config/problem.js';

const RULES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'already in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such address family',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name does not resolve',
};

/** The problem of the address at which `listen` failed. */
export function listenProblem(
  { code = '', message }: NodeJS.ErrnoException,
  address: ListenAddress,
): Problem {
  return { file: `listen address ${formatListenAddress(address)}`, rule: RULES[code] ?? message };
}
