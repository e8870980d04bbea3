/** A terminal as people have it: tmux with a screen of a given size, which is read and typed at. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../netns/until.js';

/** A terminal of a given size in which a shell runs one command and then waits. */
export class Terminal {
  readonly #socket: string;

  constructor(folder: string, columns: number, rows: number, command: string) {
    this.#socket = join(folder, 'tmux');
    const shell = `${command}; printf '\nexit code %s\n' $?; sleep 600`;
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', `${columns}`, '-y', `${rows}`, shell);
  }

  #tmux(...args: readonly string[]): string {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' };
    return spawnSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8', env }).stdout;
  }

  /** The screen's lines. @param styled with their colours as escape sequences */
  screen(styled = false): string[] {
    return this.#tmux('capture-pane', '-p', ...(styled ? ['-e'] : []))
      .trimEnd()
      .split('\n');
  }

  get cursorIsShown(): boolean {
    return this.#tmux('display-message', '-p', '#{cursor_flag}').trim() === '1';
  }

  /** Types texts and keys (`Enter`, `C-c`). */
  type(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  async see(pattern: RegExp, seconds = 60): Promise<string[]> {
    const look = (): string[] | undefined => {
      const screen = this.screen();
      return pattern.test(screen.join('\n')) ? screen : undefined;
    };
    const failed = (error: unknown): never => {
      throw new Error(`${String(error)}\n${this.screen().join('\n')}`);
    };
    return until(String(pattern), seconds * 1000, look).catch(failed);
  }

  close(): void {
    this.#tmux('kill-server');
  }
}
