/** What this machine lacks for the namespace lab, found by trying, so that a skipped test can name it. */
import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/** The programs that the lab calls, with the Debian package that brings each of them. */
const PROGRAMS: readonly (readonly [program: string, probe: readonly string[], debianPackage: string])[] = [
  ['ip', ['-V'], 'iproute2'],
  ['nft', ['--version'], 'nftables'],
  ['conntrack', ['--version'], 'conntrack'],
  ['python3', ['--version'], 'python3'],
  ['nsenter', ['--version'], 'util-linux'],
  ['setpriv', ['--version'], 'util-linux'],
];

/** Whether a program can be started at all. */
export function hasProgram(program: string, probe: readonly string[] = ['--version']): boolean {
  return spawnSync(program, probe, { stdio: 'ignore' }).error === undefined;
}

/** True when this process may make network namespaces without a user namespace of its own. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether a far end can be an SSH server: its users can be anybody only where root starts it. */
export function hasSshServers(): boolean {
  return isRoot() && hasProgram('/usr/sbin/sshd', ['-?']) && hasProgram('/usr/sbin/dropbear', ['-V']);
}

let known: readonly string[] | undefined;

/**
 * What is missing for the lab, in words; empty when it can run. Root is not required where the kernel lets an
 * ordinary user make a user namespace that holds the network namespaces.
 */
export function missingForLab(): readonly string[] {
  known ??= findMissing();
  return known;
}

function findMissing(): string[] {
  if (process.platform !== 'linux') return ['Linux (network namespaces)'];
  const missing = PROGRAMS.filter(([program, probe]) => !hasProgram(program, probe)).map(
    ([program, , debianPackage]) => `${program} (Debian package ${debianPackage})`,
  );
  if (missing.length > 0) return missing;
  const flags = isRoot() ? '-nm' : '-Urnm';
  const script = 'mount -t tmpfs tmpfs /run && ip netns add a && nft list ruleset && conntrack -C';
  const trial = spawnSync('unshare', [flags, 'sh', '-ec', script], { encoding: 'utf8' });
  if (trial.status === 0) return [];
  const why = trial.stderr.trim().split('\n').at(-1) ?? '';
  return [isRoot() ? `the right to make network namespaces: ${why}` : `root, or user namespaces: ${why}`];
}

/**
 * `describe` for tests on kernel NATs. Where the machine lacks something the whole block is skipped, and both its
 * title and a warning on stderr say what is missing.
 * @param also further needs of this block, in words, from `hasProgram`
 */
export function describeLab(title: string, body: () => void, also: readonly string[] = []): void {
  const missing = [...missingForLab(), ...also];
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const reason = `SKIPPED, missing: ${missing.join('; ')}`;
  process.stderr.write(`${title}: ${reason}\n`);
  describe.skip(`${title} [${reason}]`, body);
}
