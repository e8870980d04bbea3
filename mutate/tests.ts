/** Runs test files in a process that lives on from run to run, until one run comes to no end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Answer, type Done, type Question, type TestFile, WORKERS } from './vitest-process-messages.js';

/** A test file may take so many times as long as without any mutant, and so many seconds beyond. */
const LONGER = 4;
const BEYOND = 20;
/** How long a test file may take of which that is not known, seconds: some wait for programs. */
const UNKNOWN = 60;

export class Tests {
  readonly #root: string;
  readonly #arguments: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: Promise<{ readonly child: ChildProcess; readonly files: readonly TestFile[] }> | undefined;

  /**
   * @param root where the tests are
   * @param bail after how many failures a run ends; 0 for never
   * @param setup a file that each test file imports first
   */
  constructor(
    root: string,
    bail: number,
    setup?: string,
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#root = root;
    this.#arguments = [String(bail), ...(setup === undefined ? [] : [setup])];
    this.#environment = environment;
  }

  /** What the run says, or undefined when it came to no end: for too long no test file was done. */
  async run(question: Question): Promise<Answer | undefined> {
    const { child } = await (this.#child ??= this.#start());
    child.send(question);
    const answer = await answerOf(child, question);
    if (answer === undefined) await this.close();
    return answer;
  }

  /** The test files that see mutants: unit tests, simulations, and those that start programs. */
  async files(): Promise<readonly TestFile[]> {
    const { files } = await (this.#child ??= this.#start());
    return files;
  }

  async #start(): Promise<{ child: ChildProcess; files: readonly TestFile[] }> {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'mutate/vitest-process.ts', ...this.#arguments],
      {
        cwd: this.#root,
        env: { ...process.env, ...this.#environment },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        detached: true,
      },
    );
    const [files] = (await once(child, 'message')) as [readonly TestFile[]];
    return { child, files };
  }

  /** Ends the process and all that it started: a worker that loops for ever does not hear of its parent's end. */
  async close(): Promise<void> {
    const started = await this.#child;
    this.#child = undefined;
    if (started === undefined || started.child.pid === undefined || started.child.exitCode !== null) return;
    const { child } = started;
    const ended = once(child, 'exit');
    process.kill(-started.child.pid, 'SIGKILL');
    await ended;
  }
}

function answerOf(child: ChildProcess, { tests }: Question): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const left = new Map(tests.map((test) => [test.file, test]));
    let timer: NodeJS.Timeout | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      child.off('message', heard).off('exit', exited);
    };
    const wait = (): void => {
      clearTimeout(timer);
      const underWay = [...left.values()].slice(0, WORKERS).map(({ seconds = UNKNOWN }) => seconds);
      const patience = BEYOND + LONGER * Math.max(0, ...underWay);
      timer = setTimeout(() => {
        settle();
        resolve(undefined);
      }, patience * 1000);
    };
    const heard = (said: unknown): void => {
      const message = said as Answer | Done;
      if ('done' in message) {
        left.delete(message.done);
        wait();
      } else {
        settle();
        resolve(message);
      }
    };
    const exited = (status: number | null): void => {
      settle();
      reject(new Error(`Vitest ended with ${String(status)}`));
    };
    child.on('message', heard).on('exit', exited);
    wait();
  });
}
