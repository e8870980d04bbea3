/** A child process as tests want it: its output kept, its lines awaited, its end certain. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  /** Added to this process's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Takes each line of stdout, which is then not kept: for processes that print for as long as they live. */
  readonly onLine?: (line: string) => void;
}

/** A running (or ended) child process. It is killed by the kernel should the test process die first. */
export class LabProcess {
  readonly pid: number;
  /** Settles when the process has ended and its output is complete; never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #command: string;
  readonly #watchers = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #status: ExitStatus | undefined;

  constructor(argv: readonly string[], options: SpawnOptions = {}) {
    const [program, ...args] = argv;
    if (program === undefined) throw new Error('LabProcess: empty command');
    this.#command = argv.join(' ');
    const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
    this.#child = spawn(program, args, { stdio: 'pipe', env, ...(options.cwd && { cwd: options.cwd }) });
    this.pid = this.#child.pid ?? -1;
    const { onLine } = options;
    if (onLine === undefined)
      this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
        this.#stdout += text;
        this.#wake();
      });
    else createInterface({ input: this.#child.stdout }).on('line', onLine);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#wake();
    });
    // A process that ends closes its stdin; writing to it then is no event of interest.
    this.#child.stdin.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#stderr += `${error.message}\n`;
        this.#end({ code: 127, signal: null }, resolve);
      });
      this.#child.once('close', (code, signal) => this.#end({ code, signal }, resolve));
    });
  }

  #end(status: ExitStatus, resolve: (status: ExitStatus) => void): void {
    this.#status ??= status;
    resolve(this.#status);
    this.#wake();
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The way it ended; undefined while it runs. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /** Writes to the child's stdin. */
  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Closes the child's stdin. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Sends a signal (SIGSTOP, SIGCONT, SIGHUP …) without waiting for anything. */
  signal(name: NodeJS.Signals): void {
    // Node's own kill knows whether the process was reaped already; its pid may be somebody else's by then.
    if (this.#status === undefined) this.#child.kill(name);
  }

  /**
   * Ends the process: sends `signal`, and SIGKILL should it still run after `patience` milliseconds.
   * @returns the way it ended
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patience = 6000): Promise<ExitStatus> {
    if (this.#status !== undefined) return this.#status;
    this.signal(signal);
    const killer = setTimeout(() => {
      this.signal('SIGKILL');
    }, patience);
    try {
      return await this.exited;
    } finally {
      clearTimeout(killer);
    }
  }

  /**
   * Waits for a line of stdout or stderr, also one that was printed before the call.
   * @param from how many characters of each stream to leave out, e.g. an earlier `mark()`
   * @throws when `milliseconds` passed or the process ended without such a line; the message carries its output
   */
  waitForLine(
    pattern: RegExp,
    milliseconds: number,
    from = { stdout: 0, stderr: 0 },
  ): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      const fail = (why: string): void => {
        finish();
        reject(new Error(`${this.#command}: ${why} ${String(pattern)}\n${this.#stdout}${this.#stderr}`));
      };
      const look = (): void => {
        const texts = [this.#stdout.slice(from.stdout), this.#stderr.slice(from.stderr)];
        for (const line of texts.flatMap((text) => wholeLines(text))) {
          const match = pattern.exec(line);
          if (match === null) continue;
          finish();
          resolve(match);
          return;
        }
        if (this.#status !== undefined) fail('ended without the line');
      };
      const timer = setTimeout(() => {
        fail(`printed within ${milliseconds} ms no line`);
      }, milliseconds);
      this.#watchers.add(look);
      look();
    });
  }

  /** The present end of the output, for `waitForLine(…, from)`. */
  mark(): { stdout: number; stderr: number } {
    return { stdout: this.#stdout.length, stderr: this.#stderr.length };
  }
}

/** The lines that have ended; the rest may still grow. */
function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

export interface ExecResult extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end.
 * @throws when it does not end with 0, unless `mayFail`
 */
export async function run(
  argv: readonly string[],
  options: SpawnOptions & { readonly input?: string; readonly mayFail?: boolean } = {},
): Promise<ExecResult> {
  const child = new LabProcess(argv, options);
  if (options.input !== undefined) child.write(options.input);
  child.endInput();
  const status = await child.exited;
  if (status.code !== 0 && options.mayFail !== true) {
    throw new Error(`${argv.join(' ')}: ended with ${status.code ?? status.signal}\n${child.stderr}`);
  }
  return { ...status, stdout: child.stdout, stderr: child.stderr };
}
