/** Files that others made: only regular ones, never more than a limit, and never waiting for the other end of a pipe. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, unlink } from 'node:fs/promises';

/** Most bytes of each kind of file. */
export const FILE_LIMITS = {
  /** Configuration, web configuration and target files. */
  config: 16 << 20,
  /** A token, password or bearer token. */
  secret: 64 << 10,
  /** A certificate, its key, or a list of trusted ones. */
  certificate: 1 << 20,
  /** One target's saved state; an honest one has some hundred kilobytes. */
  state: 16 << 20,
  /** One target's history; an honest one has a megabyte. */
  history: 16 << 20,
} as const;

/** The only pipe that is read: what somebody hands over on purpose. */
export const STANDARD_INPUT = '/dev/stdin';

/** Opening neither waits (for the writer of a named pipe) nor takes a terminal. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const PIECE = 64 << 10;
const STANDARD_INPUT_DESCRIPTOR = 0;
/** Pause before standard input is asked again when it has nothing yet and does not wait by itself, milliseconds. */
const ASK_AGAIN = 20;

/** A file that is there but is not read. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** `EISDIR`, `EFBIG`, or `ENOTREG` for what is neither a file nor a folder. */
  readonly code: string;
  readonly path: string;
  /** Why, in words that can stand behind `cannot be read: `. */
  readonly reason: string;

  constructor(code: string, path: string, reason: string) {
    super(`${path} ${reason}`);
    this.code = code;
    this.path = path;
    this.reason = reason;
  }
}

/** What an error of the file system means to the operator. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  // A socket cannot even be opened.
  ENXIO: 'is a socket, not a regular file',
};

/** Why a file could not be read, to stand behind `cannot be read: `. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof FileError) return error.reason;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return REASONS[code] ?? code;
}

/** The same in short: the system's code where it has one. */
export function unreadableInShort(error: unknown): string {
  if (error instanceof FileError && error.code !== 'EISDIR') return error.reason;
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

/**
 * The bytes of a regular file, or of what a symbolic link leads to.
 *
 * @param limit most bytes
 * @throws FileError for anything but a regular file, and for one that is too large; else the system's error
 */
export function readRegularFile(path: string, limit: number): Buffer {
  // Opening a device can do something to it, so it is looked at first; what was opened is what counts.
  requireRegular(statSync(path), path, limit);
  const descriptor = openSync(path, OPEN_FLAGS);
  try {
    requireRegular(fstatSync(descriptor), path, limit);
    return readDescriptor(descriptor, path, limit, readSync);
  } finally {
    closeSync(descriptor);
  }
}

/** The same, without holding anything up. */
export async function readRegularFileLater(path: string, limit: number): Promise<Buffer> {
  requireRegular(await stat(path), path, limit);
  const file = await open(path, OPEN_FLAGS);
  try {
    requireRegular(await file.stat(), path, limit);
    return await readHandle(file, path, limit);
  } finally {
    await file.close();
  }
}

/**
 * Makes a regular file of a text, in the place of what was in it.
 * @throws FileError where something else has the path, a named pipe that nobody reads above all; else the system's error
 */
export async function writeRegularFile(path: string, text: string): Promise<void> {
  await requireWritable(path);
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK,
  );
  try {
    requireRegular(await file.stat(), path);
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file by another text, which its owner alone may read: whole or not at all.
 * @throws the system's error; the file is as it was then
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    // What lies there may be anything, a named pipe too.
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}

/** Sees whether `writeRegularFile` could do it now; makes an empty file where there is none. @throws as that does */
export async function requireWritable(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined) requireRegular(there, path);
  await (await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK)).close();
}

/**
 * Everything that comes over standard input, whatever it is; waits for its end.
 * @throws FileError when there is more than the limit; else the system's error
 */
export function readStandardInput(limit: number): Buffer {
  return readDescriptor(STANDARD_INPUT_DESCRIPTOR, STANDARD_INPUT, limit, readWaiting);
}

function requireRegular(stats: Stats, path: string, limit = Number.POSITIVE_INFINITY): void {
  if (stats.isDirectory()) throw new FileError('EISDIR', path, 'is a directory');
  if (!stats.isFile()) throw new FileError('ENOTREG', path, `is ${kindOf(stats)}, not a regular file`);
  if (stats.size > limit) throw tooLarge(path, limit);
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function tooLarge(path: string, limit: number): FileError {
  const size = limit >= 1 << 20 ? `${limit / (1 << 20)} MiB` : `${limit / (1 << 10)} KiB`;
  return new FileError('EFBIG', path, `is larger than ${size}`);
}

/** Reads to the end: the size that the system tells may be out of date, or 0 where contents are made up as they are read. */
function readDescriptor(
  descriptor: number,
  path: string,
  limit: number,
  read: (descriptor: number, piece: Buffer) => number,
): Buffer {
  const pieces: Buffer[] = [];
  for (let total = 0; ; ) {
    const piece = Buffer.allocUnsafe(PIECE);
    const length = read(descriptor, piece);
    if (length === 0) return Buffer.concat(pieces);
    total += length;
    if (total > limit) throw tooLarge(path, limit);
    pieces.push(piece.subarray(0, length));
  }
}

function readWaiting(descriptor: number, piece: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, piece);
    } catch (error) {
      // Standard input may be a pipe that somebody made not to wait.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASK_AGAIN);
    }
  }
}

async function readHandle(file: FileHandle, path: string, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let total = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE);
    if (bytesRead === 0) return Buffer.concat(pieces);
    total += bytesRead;
    if (total > limit) throw tooLarge(path, limit);
    pieces.push(buffer.subarray(0, bytesRead));
  }
}
