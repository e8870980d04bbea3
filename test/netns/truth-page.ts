/** docs/TRUTH.md, written from the rows that the tests assert. */
import { exitCodeOf, isAdvised, TOLD, type Seen, type Told } from './told.js';

const HEAD = `# What is told behind which box

Every row is a box in front of \`measure\`, on a real kernel, with another idle timeout T at each run: what the three modes
find, what the path is said to be, what the diagnosis says and how sure it is, and whether an interval for keepalives is
advised. The page is written by the tests that assert it (\`test/netns\`); a box that is not read rightly has no row.

A mode that finds T publishes a bracket that holds T, no wider than the resolution, and the word behind it is the evidence of
the deaths. "survives": nothing died, up to the longest idle time that was tested. "not answered": keepalives get no answer
at any age, which says nothing about the mapping. "closed": somebody ends the connection at T in an orderly way, which is
not held against the requirement. "survives, below T": no connection gets older than T, so nothing longer is asked.
"answered in between": keepalives survive what data dies of, so they say nothing about the mapping. "dies among many": idle
connections die while as many are open as \`measure\` opens, and survive longer while a quarter of them is.

Two boxes have no row. An adaptive timeout, which shrinks with the number of entries: what \`measure\` opens and closes is most
of that number, so T moves while it is measured, and no bracket held still within four minutes. A pool of nodes of which
some forget: with timeouts of seconds it takes from two to more than ten minutes until all modes tell its share.

| path | box | send | recv | keepalive | verdict | exit | condition | diagnosis | keepalives |
|---|---|---|---|---|---|---|---|---|---|
`;

function cell(expected: Seen): string {
  switch (expected.kind) {
    case 'forgotten':
      return `T, ${expected.reasons.join(' or ')}`;
    case 'survives':
      return 'survives';
    case 'eaten':
      return 'not answered';
    case 'closed':
      return 'T, closed';
    case 'crowded':
      return 'dies among many';
    case 'limited':
      return 'survives, below T';
    case 'answered':
      return 'answered in between';
  }
}

function line(row: Told): string {
  const { name, what, modes, conditions, says } = row;
  const exit = exitCodeOf(row);
  const cells = [
    `\`${name}\``,
    what,
    cell(modes.send),
    cell(modes.recv),
    cell(modes.keepalive),
    exit === 1 ? 'not compliant' : 'unknown',
    String(exit),
    conditions.map((condition) => `\`${condition}\``).join(', '),
    says.map((said) => said.replace(/^(\w+): (\w+)$/, '`$1` ($2)')).join(', '),
    isAdvised(row) ? 'advised' : 'none',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The page's text. */
export function truthPage(): string {
  return `${HEAD}${TOLD.map(line).join('\n')}\n`;
}
