/**
 * One process for a directory: a Unix socket in it that the holder listens on. The kernel answers for a living holder,
 * across containers too, and refuses for one that was killed: nothing has to be compared, waited for or cleaned up.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { toMilliseconds, type Seconds } from '../units.js';

const LOCK = '.lock';
/** A living holder says who it is within this time; a busy one is believed to live. */
const SAYS_WITHIN: Seconds = 2;
/** Tries to replace the lock of a dead holder while others try too. */
const TRIES = 10;
/** Longest path of a Unix socket, bytes: 103 on macOS, 107 on Linux. */
const LONGEST_PATH = 100;

/** Somebody else holds the directory. */
export class DirectoryHeld extends Error {
  override readonly name = 'DirectoryHeld';
}

export interface DirectoryLock {
  /** Tells a directory from others, whatever path leads to it. */
  readonly id: string;
  release(): Promise<void>;
}

/** What tells a directory from others; it is made when it is missing. @throws the system's error */
export async function directoryId(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const { dev, ino } = await stat(directory);
  return `${dev}:${ino}`;
}

/**
 * Takes a directory, which is made when it is missing.
 * @throws DirectoryHeld that names the holder; the system's error where the directory takes no socket
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const id = await directoryId(directory);
  const place = await Place.open(directory);
  const draft = `${LOCK}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`process ${process.pid} on ${hostname()}`, () => socket.destroy());
  });
  try {
    // It listens before it has its name: what has the name and refuses is dead for certain.
    await listen(server, place.socket(draft));
    await claim(place, draft);
    server.unref();
  } catch (error) {
    await close(server);
    throw error;
  } finally {
    await rm(join(directory, draft), { force: true });
    await place.close();
  }
  const own = await lstat(join(directory, LOCK));
  return {
    id,
    release: async () => {
      const now = await lstat(join(directory, LOCK)).catch(() => undefined);
      if (now?.ino === own.ino) await rm(join(directory, LOCK), { force: true });
      await close(server);
    },
  };
}

/** Gives the draft the lock's name, once nobody that lives has it. */
async function claim(place: Place, draft: string): Promise<void> {
  const path = join(place.directory, LOCK);
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await link(join(place.directory, draft), path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    const holder = await askHolder(place.socket(LOCK));
    if (holder !== undefined) throw new DirectoryHeld(`is in use by ${holder}`);
    // Another one may have replaced it meanwhile: what was moved away by mistake is put back.
    const aside = `${path}.${randomBytes(4).toString('hex')}`;
    await rename(path, aside).catch(() => undefined);
    const moved = await lstat(aside).catch(() => undefined);
    if (moved !== undefined && moved.ino !== found.ino) await link(aside, path).catch(() => undefined);
    await rm(aside, { force: true });
  }
  throw new DirectoryHeld('is being taken by others again and again');
}

/** Who answers at the lock; undefined when nobody does. */
function askHolder(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ path });
    const finish = (holder: string | undefined): void => {
      socket.destroy();
      resolve(holder);
    };
    socket.setEncoding('utf8');
    socket.setTimeout(toMilliseconds(SAYS_WITHIN), () => finish('a process that is too busy to say which'));
    socket.on('data', (text: string) => {
      said = (said + text).slice(0, 200);
    });
    socket.on('end', () => finish(said === '' ? 'a process that does not say which' : said));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      // Nobody listens any more, or it is no socket. A full queue (EAGAIN) has a living owner.
      const dead = code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK';
      finish(dead ? undefined : `a process that does not answer (${code ?? 'unknown error'})`);
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // For every user: a socket that may not be asked refuses alike, whether its holder lives or not.
    server.listen({ path, writableAll: true }, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
  });
}

/** The paths of sockets in a directory: through a descriptor of it where its own path is too long for one. */
class Place {
  readonly directory: string;
  readonly #handle: FileHandle | undefined;

  private constructor(directory: string, handle: FileHandle | undefined) {
    this.directory = directory;
    this.#handle = handle;
  }

  static async open(directory: string): Promise<Place> {
    const short = Buffer.byteLength(join(directory, `${LOCK}.4194304.00000000`)) <= LONGEST_PATH;
    return new Place(directory, short ? undefined : await open(directory));
  }

  socket(name: string): string {
    return this.#handle === undefined
      ? join(this.directory, name)
      : `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
