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

Behind \`adaptive\` T changes while it is measured: each bracket holds one that the box had meanwhile. That it depends on
the number of open connections is not told: a quarter of them, which are asked 5 s later, die of the whole T by then.
What is said "at times" depends on what was tested when.

One box has no row: a pool of nodes of which some forget. What is told behind it is a matter of luck, and a lab has no room for
that. Of eight runs with one bad node in ten and T = 9 s (\`pool\` of \`test/netns/policies.ts\`, \`measure --max-idle=14s\`) each
ended within 23 to 73 s, without a timeout and without a claim: \`no_expiry_seen\`, with \`two_answers\` in three of them. Three
bad nodes in a row close a bracket that no node has (docs/adr/0006-mixtures.md), which such a row would have to allow.

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

function words(said: string): string {
  return said.replace(/^(\w+): (\w+)$/, '`$1` ($2)');
}

function line(row: Told): string {
  const { name, what, modes, conditions, says, maySay = [] } = row;
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
    [says.map(words).join(', '), ...maySay.map((said) => `at times ${words(said)}`)].join(', '),
    isAdvised(row) ? 'advised' : 'none',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The page's text. */
export function truthPage(): string {
  return `${HEAD}${TOLD.map(line).join('\n')}\n`;
}
