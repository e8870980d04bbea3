/** `remeasure`: has a running exporter measure a target again, as the button of its page does. */
import { z } from 'zod';
import type { RemeasureFlags } from '../cli/remeasure-flags.js';
import { type Answer, credentialsOf, failureOf, get, post, quote, unreadableFile } from '../http/request.js';
import type { Output } from '../measure/terminal.js';
import { type Seconds, toMilliseconds } from '../units.js';
import type { Build } from '../version.js';
import { visible } from '../visible.js';

/** How long an answer is waited for. */
const ANSWER_WITHIN: Seconds = 10;
/** Characters of an answer that are read. */
const LONGEST_ANSWER = 10_000;

const tokenSchema = z.object({ token: z.string() });
const answerSchema = z.object({ text: z.string() });

/** What the command talks to. */
export interface RemeasureIo {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted when somebody wants it to stop. */
  readonly signal: AbortSignal;
}

/**
 * Asks the exporter and prints its answer.
 *
 * @returns the exit code: 0 it is being measured, 3 it is not
 * @throws ConfigError when a file of the flags cannot be read
 */
export async function runRemeasure(
  { target, exporter }: RemeasureFlags,
  build: Build,
  { stdout, stderr, signal }: RemeasureIo,
): Promise<0 | 3> {
  const credentials = await credentialsOf(exporter).catch((error: unknown) => {
    throw unreadableFile(error);
  });
  const headers = { 'User-Agent': `nat-idle-exporter/${build.version}`, ...credentials.headers };
  const url = new URL(
    `${exporter.url.replace(/\/+$/, '')}/api/v1/targets/${encodeURIComponent(target)}/measure`,
  );
  const sending = {
    signal: AbortSignal.any([signal, AbortSignal.timeout(toMilliseconds(ANSWER_WITHIN))]),
    longest: LONGEST_ANSWER,
    beyond: 'error',
  } as const;
  const fails = (why: string): 3 => {
    stderr.write(`${visible(`${exporter.url}: ${quote(why, credentials.secrets)}`)}\n`);
    return 3;
  };
  try {
    const page = await get(url, { ...credentials, headers }, sending);
    const token = tokenSchema.safeParse(jsonOf(page));
    if (!token.success) return fails(complaint(page));
    const form = Buffer.from(new URLSearchParams(token.data).toString());
    const type = { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' };
    const answer = await post(url, { ...credentials, headers: { ...headers, ...type } }, form, sending);
    const told = answerSchema.safeParse(jsonOf(answer));
    if (!told.success) return fails(complaint(answer));
    if (answer.status >= 300) return fails(told.data.text);
    stdout.write(`${visible(told.data.text)}\n`);
    return 0;
  } catch (error) {
    return fails(failureOf(error));
  }
}

function jsonOf({ text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function complaint({ status, text }: Answer): string {
  return status === 404 && !text.startsWith('no target')
    ? 'is this the address of an exporter that can measure again?'
    : `status ${status}: ${text}`;
}
