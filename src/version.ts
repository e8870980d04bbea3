/** Which program this is: name, version and revision for build info and `--version`. */
import { readFileSync } from 'node:fs';

export interface Build {
  readonly version: string;
  /** Git commit where it is known, else `unknown`. */
  readonly revision: string;
}

/** Reads the package's own description; the revision comes from NAT_IDLE_REVISION (set in images) or from git. */
export function readBuild(env: Readonly<Record<string, string | undefined>>): Build {
  const description: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const version =
    typeof description === 'object' && description !== null && 'version' in description
      ? String(description.version)
      : 'unknown';
  return { version, revision: env['NAT_IDLE_REVISION'] ?? gitRevision() ?? 'unknown' };
}

/** The checked-out commit, when the program runs from a clone. */
function gitRevision(): string | undefined {
  try {
    const git = new URL('../.git/', import.meta.url);
    const head = readFileSync(new URL('HEAD', git), 'utf8').trim();
    const ref = /^ref: (refs\/[\w./-]+)$/.exec(head)?.[1];
    const commit = ref === undefined ? head : readFileSync(new URL(ref, git), 'utf8').trim();
    return /^[0-9a-f]{40}$/.test(commit) ? commit.slice(0, 12) : undefined;
  } catch {
    return undefined;
  }
}
