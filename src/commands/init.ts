/** `init`: asks what to measure, and writes a configuration file that says so. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { FAR_END, type InitFlags, type InitTarget, targetOf } from '../cli/init-flags.js';
import { UsageError } from '../cli/flags.js';
import { EMBEDDED_TARGET_NAME } from '../config/far-ends.js';
import { firstFile } from '../config/first-file.js';
import { checkConfig } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import { parseYaml } from '../config/yaml.js';
import { defined } from '../defined.js';

/** What the command talks to. */
export interface InitIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  /** What people type in front of a subcommand. */
  readonly command: string;
}

interface Answers {
  readonly target: InitTarget;
  readonly stateDir: string;
}

/**
 * Writes the file, and says how to go on.
 *
 * @throws UsageError without a terminal to ask on and without flags, or for an answer that cannot be used
 * @throws ConfigError where the file is there already, or could not be used with these answers
 */
export async function runInit(flags: InitFlags, { stdin, stdout, command }: InitIo): Promise<void> {
  const { output } = flags;
  // Known before anybody has answered anything.
  if (existsSync(output)) throw alreadyThere(output);
  const { target, stateDir } =
    flags.farEnd === undefined ? await ask(flags, stdin, stdout) : answersOf(flags, flags.farEnd);
  const text = firstFile({ target, ...defined({ stateDir: stateDir === '' ? undefined : stateDir }) });
  checkConfig(parseYaml(text, output), output);
  try {
    writeFileSync(output, text, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyThere(output);
    throw new ConfigError([{ file: output, rule: `cannot be written (${code ?? 'unknown error'})` }]);
  }
  stdout.write(`${output} is written. Start the exporter: ${command} --config.file=${output}\n`);
  if (!('protocol' in target) && !('embedded' in target))
    stdout.write(
      `Its far end, on ${String(target['host'])}: ${command} responder${'token_file' in target ? ' --token-file=token' : ''}\n`,
    );
}

function alreadyThere(file: string): ConfigError {
  return new ConfigError([{ file, rule: 'is there already, and is not overwritten' }]);
}

function answersOf({ keyFile, stateDir, output }: InitFlags, farEnd: string): Answers {
  return { target: targetOf(farEnd, besideOf(output, keyFile)), stateDir };
}

/** The path of a file as the configuration file has to name it: relative ones start at its folder there, here they do not. */
function besideOf(output: string, file: string | undefined): string | undefined {
  const isPlain = file === undefined || file.startsWith('~') || dirname(output) === '.';
  return isPlain ? file : resolve(file);
}

async function ask(flags: InitFlags, stdin: InitIo['stdin'], stdout: Writable): Promise<Answers> {
  if (stdin.isTTY !== true)
    throw new UsageError(`${FAR_END}: must be given where there is no terminal to ask on`);
  const called = new AbortController();
  const lines = createInterface({ input: stdin, output: stdout });
  // Ctrl-C and Ctrl-D: whoever does not answer wants no file.
  for (const event of ['SIGINT', 'close'] as const) lines.once(event, () => called.abort());
  const question = async (words: string, byDefault: string): Promise<string> => {
    const answer = await lines.question(`${words}\n  [${byDefault || 'none'}]: `, { signal: called.signal });
    return answer.trim() || byDefault;
  };
  try {
    const farEnd = await question(
      'What to measure? HOST of your responder, ssh://USER@HOST, nat-tcp-test://HOST, or embedded',
      EMBEDDED_TARGET_NAME,
    );
    // What is wrong with the first answer is told before the next question.
    const { protocol, embedded } = targetOf(farEnd, undefined, 'answer');
    const keyFile = await keyQuestion(question, flags, { protocol, embedded });
    const stateDir = await question('Folder in which findings survive a restart?', flags.stateDir);
    return { target: targetOf(farEnd, besideOf(flags.output, keyFile || undefined), 'answer'), stateDir };
  } catch (error) {
    if (called.signal.aborted) throw new UsageError('nothing was written');
    throw error;
  } finally {
    lines.removeAllListeners('close');
    lines.close();
  }
}

/** What lets in at the far end, where anything does. */
async function keyQuestion(
  question: (words: string, byDefault: string) => Promise<string>,
  { keyFile = '' }: InitFlags,
  { protocol, embedded }: { readonly protocol: unknown; readonly embedded: unknown },
): Promise<string> {
  if (protocol === 'ssh')
    return question("File with the key to log in with? none: the agent's and the usual ones", keyFile);
  return protocol === undefined && embedded === undefined
    ? question("File with the responder's token?", keyFile)
    : keyFile;
}
