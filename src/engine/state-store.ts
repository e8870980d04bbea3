/** The state directory: one file per target, written atomically, never trusted when read. */
import { createHash } from 'node:crypto';
import { link, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FILE_LIMITS, FileError, readRegularFileLater, replaceFile } from '../files.js';
import type { Logger } from '../log.js';
import { fromFormat1 } from './saved-target.js';

const FORMAT = 'nat-idle-exporter-state';
const VERSION = 2;
/** The version of nat-idle-exporter 0.1.0: taken over, and kept beside for a way back. */
const VERSION_BEFORE = 1;

/** A state file's content around the part that its writer owns. */
interface Envelope {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION | typeof VERSION_BEFORE;
  readonly target: string;
  readonly state: unknown;
}

export class StateStore {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #queues = new Map<string, Promise<void>>();
  /** Targets whose file could not be written the last time: said once, not at each try. */
  readonly #failing = new Set<string>();

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  /**
   * The state of a target; undefined where there is none. What is half-written, foreign, no regular file or far larger
   * than ours is set aside. A file of the version before is kept as `<file>.v1` and its state brought into today's form.
   */
  async load(target: string): Promise<unknown> {
    const path = this.#path(target);
    let envelope: Envelope | string;
    try {
      envelope = parseEnvelope(
        (await readRegularFileLater(path, FILE_LIMITS.state)).toString('utf8'),
        target,
      );
    } catch (error) {
      if (!(error instanceof FileError)) {
        if (!isCode(error, 'ENOENT'))
          this.#log.warn({ path, error: describe(error) }, 'cannot read the state file; starting without it');
        return undefined;
      }
      envelope = error.reason;
    }
    if (typeof envelope !== 'string') {
      if (envelope.version === VERSION) return envelope.state;
      await this.#keep(path);
      return fromFormat1(envelope.state);
    }
    const aside = `${path}.corrupt-${Math.floor(Date.now() / 1000)}`;
    try {
      await rename(path, aside);
      this.#log.warn({ path, aside, problem: envelope }, 'the state file is not ours or damaged; set aside');
    } catch (error) {
      this.#log.warn(
        { path, problem: envelope, error: describe(error) },
        'the state file is damaged; ignored',
      );
    }
    return undefined;
  }

  /** Gives a file of the version before a second name; one that was kept earlier stays. */
  async #keep(path: string): Promise<void> {
    const kept = `${path}.v${VERSION_BEFORE}`;
    try {
      await link(path, kept);
      this.#log.info({ path, kept }, 'the state file is of an older version; taken over, and kept as it was');
    } catch (error) {
      if (isCode(error, 'EEXIST')) return;
      this.#log.warn(
        { path, error: describe(error) },
        'the state file of an older version is taken over, but cannot be kept',
      );
    }
  }

  /**
   * Writes a target's state: whole or not at all. Never throws; a disk that refuses is said once, and each later
   * call tries again. Calls for one target happen one after the other.
   */
  save(target: string, state: unknown): Promise<void> {
    const envelope: Envelope = { format: FORMAT, version: VERSION, target, state };
    const next = (this.#queues.get(target) ?? Promise.resolve()).then(() => this.#write(target, envelope));
    this.#queues.set(target, next);
    return next;
  }

  async #write(target: string, envelope: Envelope): Promise<void> {
    const path = this.#path(target);
    try {
      await mkdir(this.#directory, { recursive: true });
      await replaceFile(path, `${JSON.stringify(envelope)}\n`);
      if (this.#failing.delete(target)) this.#log.info({ path }, 'the state file can be written again');
    } catch (error) {
      if (this.#failing.has(target)) return;
      this.#failing.add(target);
      this.#log.warn({ path, error: describe(error) }, 'cannot write the state file; going on without it');
    }
  }

  /** A file name that no target name can break out of, readable and unique. */
  #path(target: string): string {
    const readable = target.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 40);
    const unique = createHash('sha256').update(target).digest('hex').slice(0, 8);
    return join(this.#directory, `target-${readable}-${unique}.json`);
  }
}

/** The envelope, or what is wrong with it. */
function parseEnvelope(text: string, target: string): Envelope | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'not whole JSON';
  }
  if (typeof value !== 'object' || value === null) return 'not an object';
  const envelope = value as Partial<Record<keyof Envelope, unknown>>;
  if (envelope.format !== FORMAT) return `format is not ${FORMAT}`;
  if (envelope.version !== VERSION && envelope.version !== VERSION_BEFORE) return `version is not ${VERSION}`;
  if (envelope.target !== target) return 'belongs to another target';
  return value as Envelope;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
