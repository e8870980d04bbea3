/** What a test needs from the machine: where it is missing the suite is skipped, loudly and by name. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';

/** Debian packages that tests use, each with a command, or a file, that proves that it is installed. */
const COMMANDS = {
  busybox: 'busybox',
  chromium: 'chromium',
  conntrack: 'conntrack',
  curl: 'curl',
  'dropbear-bin': 'dropbear',
  faketime: 'faketime',
  iproute2: 'ip',
  iptables: 'iptables',
  jq: 'jq',
  jsonnet: 'jsonnet',
  'miniupnpd-nftables': 'miniupnpd',
  mksh: 'mksh',
  nftables: 'nft',
  'openssh-server': 'sshd',
  openssl: 'openssl',
  'poppler-utils': 'pdftotext',
  procps: 'sysctl',
  prometheus: 'promtool',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  'prometheus-pushgateway': 'prometheus-pushgateway',
  python3: 'python3',
  'python3-jinja2': '/usr/lib/python3/dist-packages/jinja2/__init__.py',
  shellcheck: 'shellcheck',
  systemd: 'systemd-analyze',
  tmux: 'tmux',
  'util-linux': 'unshare',
  'victoria-metrics': 'victoria-metrics',
} as const;

/** A Debian package that tests may ask for. */
export type DebianPackage = keyof typeof COMMANDS;

export interface Requirements {
  readonly packages?: readonly DebianPackage[];
  /** The test must run as root. */
  readonly root?: boolean;
  /** The test makes network namespaces: as root, or in a user namespace of its own. */
  readonly namespaces?: boolean;
}

/** Where commands are looked for; an ordinary user's PATH lacks the sbin folders. */
function searchPath(): string[] {
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
}

function isInstalled(command: string): boolean {
  if (command.startsWith('/')) return existsSync(command);
  return searchPath().some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Whether this process may make namespaces, tried for real. */
function canMakeNamespaces(): boolean {
  const flags = isRoot() ? '-nm' : '-Urnm';
  return spawnSync('unshare', [flags, 'true'], { stdio: 'ignore' }).status === 0;
}

/** What is missing on this machine, in words; empty when the test can run. */
export function missing({ packages = [], root = false, namespaces = false }: Requirements): string[] {
  return [
    ...packages.filter((name) => !isInstalled(COMMANDS[name])).map((name) => `missing package ${name}`),
    ...(root && !isRoot() ? ['needs root'] : []),
    ...(namespaces && !canMakeNamespaces() ? ['needs network namespaces'] : []),
  ];
}

/** The `describe` of a suite with requirements. */
export interface RequiringSuite {
  /** Whether the suite runs here. */
  readonly met: boolean;
  /** What is missing, in words. */
  readonly missing: readonly string[];
  /** Like vitest's `describe`; where something is missing the suite is skipped and its name says what. */
  describe(name: string, body: () => void): void;
}

/**
 * `requires({ packages: ['iptables'], root: true }).describe('a NAT', () => { … })`.
 * The reporter in `skips.ts` lists what was skipped; in CI it fails the run.
 */
export function requires(requirements: Requirements): RequiringSuite {
  const lacking = missing(requirements);
  const met = lacking.length === 0;
  return {
    met,
    missing: lacking,
    describe: (name, body) => {
      describe.skipIf(!met)(met ? name : `${name} (${lacking.join(', ')})`, body);
    },
  };
}
