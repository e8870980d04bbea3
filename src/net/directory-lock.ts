/**
 * One process for a directory: each that claims it puts a socket of its own there and asks all others that it finds.
 * The kernel answers for a living process, across containers too, and refuses for one that was killed. A name is never
 * used twice and never moved, so what refused can be removed at any time. Of two that claim, whoever came later finds
 * the earlier one: both cannot find nobody.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { toMilliseconds, type Seconds } from '../units.js';

const LOCK = '.lock';
/** A process's own name in the directory; the plain one is that of an exporter before 0.2. */
const NAMES = /^\.lock(\.\d+\.[0-9a-f]{8})?$/;
/** A socket that does not listen yet: it would refuse like a dead one. */
const DRAFT = '.new';
/** What a process says before its name while it does not hold the directory yet. */
const CLAIMS = 'claimed by ';
/** A living holder says who it is within this time; a busy one is believed to live. */
const SAYS_WITHIN: Seconds = 2;
/** How often, and how many times, others that claim as well are given the time to withdraw. */
const ASKS_EVERY: Seconds = 0.01;
const ASKS = 500;
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
  const own = `${LOCK}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const who = `process ${process.pid} on ${hostname()}`;
  let answer = `${CLAIMS}${who}`;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(answer, () => socket.destroy());
  });
  const release = async (): Promise<void> => {
    await rm(join(directory, own), { force: true });
    await close(server);
  };
  try {
    await listen(server, place.socket(own + DRAFT));
    await rename(join(directory, own + DRAFT), join(directory, own));
    await outlive(place, own);
    answer = who;
    server.unref();
  } catch (error) {
    await release();
    throw error;
  } finally {
    await place.close();
  }
  return { id, release };
}

/**
 * Waits until nobody else claims the directory, of whom the least name has precedence.
 * @throws DirectoryHeld where somebody holds it or has precedence
 */
async function outlive(place: Place, own: string): Promise<void> {
  for (let asks = 0; asks < ASKS; asks++) {
    let alone = true;
    for (const other of await readdir(place.directory)) {
      if (other === own || !NAMES.test(other)) continue;
      const { state, who } = await ask(place.socket(other));
      if (state === 'dead') await rm(join(place.directory, other), { force: true });
      else if (state === 'holds') throw new DirectoryHeld(`is in use by ${who}`);
      else if (state === 'claims' && other < own) throw new DirectoryHeld(`is being claimed by ${who}`);
      else alone = false;
    }
    if (alone) return;
    await pause(toMilliseconds(ASKS_EVERY));
  }
  throw new DirectoryHeld('is being claimed by others again and again');
}

/** What became of a question; `leaves` stopped to listen before it answered, as one does that withdraws. */
interface Answer {
  readonly state: 'dead' | 'leaves' | 'claims' | 'holds';
  readonly who: string;
}

/** Who answers there. What lives and does not say that it only claims is believed to hold. */
function ask(path: string): Promise<Answer> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ path });
    const finish = (state: Answer['state'], who: string): void => {
      socket.destroy();
      resolve({ state, who });
    };
    socket.setEncoding('utf8');
    socket.setTimeout(toMilliseconds(SAYS_WITHIN), () =>
      finish('holds', 'a process that is too busy to say which'),
    );
    socket.on('data', (text: string) => {
      said = (said + text).slice(0, 200);
    });
    socket.on('end', () => {
      if (said.startsWith(CLAIMS)) finish('claims', said.slice(CLAIMS.length));
      else finish('holds', said === '' ? 'a process that does not say which' : said);
    });
    socket.on('error', ({ code = 'unknown error' }: NodeJS.ErrnoException) => {
      // Nobody listens any more, or it is no socket. A full queue (EAGAIN) has a living owner.
      if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK') finish('dead', code);
      else if (code === 'ECONNRESET') finish('leaves', code);
      else finish('holds', `a process that does not answer (${code})`);
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
    const short = Buffer.byteLength(join(directory, `${LOCK}.4194304.00000000${DRAFT}`)) <= LONGEST_PATH;
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
