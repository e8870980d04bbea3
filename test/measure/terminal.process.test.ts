/** What a person sees: the program in a terminal of tmux, read off its screen. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../support/program.js';
import { requires } from '../support/requires.js';
import { Terminal } from '../support/terminal.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
let terminal: Terminal | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'terminal-'));
});
afterEach(() => {
  terminal?.close();
  rmSync(folder, { recursive: true });
});

const measure = (args: string): string => `${process.execPath} ${MAIN} measure ${args}`;
/** A box that forgets after 60 s is asked no longer than that: a path that is not known to the end. */
const SHORT = '--max-idle=6s --resolution=1s --connections=8';

requires({ packages: ['tmux'] }).describe('measure on a terminal', () => {
  it.each([
    [80, 24],
    [120, 40],
  ])(
    'of %i columns and %i rows moves at once, breaks no word, and ends with verdict, deed and report on the screen',
    async (columns, rows) => {
      const report = join(folder, 'report.html');
      terminal = new Terminal(folder, columns, rows, measure(`embedded ${SHORT} --report=${report}`));
      const early = await terminal.see(/^send +\[-/m, 30);
      const isWide = columns >= 110;
      expect(early.filter((line) => /^(send|recv|keepalive) .*;/.test(line))).toHaveLength(isWide ? 3 : 0);
      const later = await terminal.see(/survived [23]\.\d s, nothing died/, 30);
      expect(later.join('\n')).not.toEqual(early.join('\n'));
      expect(later.join('\n')).toMatch(/= survived {2}- waiting now {2}x died/);
      const seen = await terminal.see(/exit code 3/, 60);
      expect(seen.join('\n')).toMatch(
        /^No verdict: [^]*\n\n {2}send {6}survived [^]*\n\nDo this now: For a verdict have idle times of more than 2 h 4/m,
      );
      expect(seen.join('\n')).toMatch(/^The report is \/[^]*report\.html$/m);
      expect(terminal.cursorIsShown).toBe(true);
      expect(seen.filter((line) => /^(measuring|send +\[)/.test(line))).toEqual([]);
      // Words of the running text are whole: each line ends where the next word would not have fitted.
      const prose = seen.filter(
        (line) => /^(No verdict|Do this now|RFC|[a-z])/.test(line) && !line.startsWith('exit'),
      );
      expect(prose.every((line) => line.length <= Math.min(columns, 100))).toBe(true);
      expect(terminal.screen(true).join('\n')).toContain('\u001b[1mNo verdict:');
    },
    120_000,
  );

  it('writes no colours where NO_COLOR is set', async () => {
    terminal = new Terminal(folder, 80, 24, `NO_COLOR=1 ${measure(`embedded ${SHORT}`)}`);
    await terminal.see(/exit code 3/, 60);
    expect(terminal.screen(true).join('\n')).not.toContain('\u001b[');
  }, 120_000);

  it('ends with what is known on Ctrl-C, and leaves a usable terminal', async () => {
    terminal = new Terminal(folder, 80, 24, measure('embedded'));
    await terminal.see(/^send +\[-/m, 30);
    terminal.type('C-c');
    const seen = await terminal.see(/exit code 3/, 20);
    expect(seen.join('\n')).toMatch(
      /Interrupted: this is what is known so far\.\n\nNo verdict: [^]*\nDo this now: Measure again/,
    );
    expect(terminal.cursorIsShown).toBe(true);
  }, 60_000);

  it('does not wait where the token is missing, and names the flag', async () => {
    const token = join(folder, 'token');
    writeFileSync(token, 'a token of more than sixteen characters');
    const port = await freePort();
    const responder = `${process.execPath} ${MAIN} responder --listen-address=127.0.0.1:${port} --web.listen-address=127.0.0.1:0 --token-file=${token}`;
    const began = `SECONDS=0; ${measure(`127.0.0.1:${port}`)}; echo "took $SECONDS s"`;
    const script = join(folder, 'script');
    writeFileSync(
      script,
      `${responder} 2>${folder}/log & trap 'kill %1' EXIT\nuntil grep -q serving ${folder}/log; do sleep 0.1; done\n${began}\n`,
    );
    terminal = new Terminal(folder, 80, 24, `bash ${script}`);
    const seen = await terminal.see(/took \d+ s/, 40);
    expect(seen.join(' ').replace(/\s+/g, ' ')).toContain(`asks for a token: set --token-file.`);
    expect(seen.join(' ').replace(/\s+/g, ' ')).toContain('Do this now: Set --token-file right');
    // Two seconds on an idle machine, the program's own start included.
    expect(Number(/took (\d+) s/.exec(seen.join('\n'))?.[1])).toBeLessThan(15);
  }, 60_000);
});
