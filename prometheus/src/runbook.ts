/** Where the runbook is read. */

const PAGE = 'docs/RUNBOOK.md';

/**
 * The address of the runbook: under the `homepage` of package.json where there is one, else the path inside the
 * repository. Whoever hosts the runbook elsewhere generates the files with `--runbook=URL`.
 */
export function runbookAddress(packageJson: string): string {
  const { homepage } = JSON.parse(packageJson) as { homepage?: string };
  if (homepage === undefined) return PAGE;
  return `${homepage.replace(/[#/]*(readme)?$/, '')}/blob/main/${PAGE}`;
}
