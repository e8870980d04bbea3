/** An SSH server inside the test, on links in virtual time, whose programs answer as the one in `src/ssh` does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { LinkStream } from '../../src/probe/ssh-link.js';
import type { FakeLink } from './fake-link.js';

interface KeyPair {
  readonly private: string;
  readonly public: string;
}
interface ServerModule {
  readonly Server: new (
    options: object,
    connected: (client: EventEmitter) => void,
  ) => { injectSocket(stream: Duplex): void };
  readonly utils: { generateKeyPairSync(type: 'ed25519'): KeyPair; parseKey(key: string): unknown };
}

const { Server, utils } = createRequire(import.meta.url)('ssh2') as ServerModule;

/** Now and then ssh2 makes a key that it cannot read. */
function generateKeys(): KeyPair {
  for (;;) {
    const keys = utils.generateKeyPairSync('ed25519');
    if (!(utils.parseKey(keys.private) instanceof Error)) return keys;
  }
}

/** What one session runs. */
export interface FakeProgram {
  readonly pid: string;
  /** What it was told, line by line. */
  readonly told: string[];
  /** Whether it says nothing any more, while its kernel goes on acknowledging. */
  hangs: boolean;
  /** Says something, as it is. */
  say(text: string): void;
  /** Ends, while the connection stands. */
  exit(): void;
}

export class FakeSsh {
  /** Whether the server runs the program, runs nothing, or runs something that is silent, or that ends at once. */
  runs: 'program' | 'nothing' | 'silence' | 'end' = 'program';
  /** Whether the key of the client is let in. */
  letsIn = true;
  /** What the program says of whom it sees, of its host's boot, and, once for each time it is asked, of its kernel. */
  ready = '198.51.100.7 40001 0b0e-boot';
  facts: string[] = ['300 7200 02'];
  /** Whether boxes can be made, pings are answered, and lines can be left in boxes. */
  makesBoxes = true;
  answers = true;
  posts = true;
  /** Whether lines that are left in boxes come through. */
  arrives = true;
  /** What it reads of its kernel's queues; `-` where there is no /proc. */
  queue: 'full' | 'empty' | '-' = '-';
  /** The programs that were started, the newest last. */
  readonly programs: FakeProgram[] = [];
  /** How often something was to be run. */
  asked = 0;
  /** Keys, and the files that hold them. */
  readonly identityFile: string;
  readonly knownHostsFile: string;
  readonly #boxes = new Map<string, FakeProgram>();
  readonly #server: InstanceType<ServerModule['Server']>;

  /** @param address the name under which its key is known */
  constructor(address: string) {
    const folder = mkdtempSync(join(tmpdir(), 'fake-ssh-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [host, identity] = [generateKeys(), generateKeys()];
    this.identityFile = join(folder, 'identity');
    this.knownHostsFile = join(folder, 'known_hosts');
    writeFileSync(this.identityFile, identity.private, { mode: 0o600 });
    writeFileSync(this.knownHostsFile, `${address} ${host.public}\n`);
    this.#server = new Server({ hostKeys: [host.private] }, (client) => this.#welcome(client));
  }

  readonly serve = (link: FakeLink): void => this.#server.injectSocket(new LinkStream(link));

  #welcome(client: EventEmitter): void {
    client.on('error', () => undefined);
    client.on('authentication', (login: { accept(): void; reject(): void }) =>
      this.letsIn ? login.accept() : login.reject(),
    );
    client.on('session', (accept: () => EventEmitter) =>
      accept().on('exec', (start: () => Duplex & { exit(code: number): void }, refuse: () => void) => {
        this.asked += 1;
        if (this.runs === 'nothing') return refuse();
        const channel = start();
        if (this.runs === 'end') channel.end();
        if (this.runs === 'program') this.#run(channel);
      }),
    );
  }

  #run(channel: Duplex): void {
    const program: FakeProgram = {
      pid: String(1000 + this.programs.length),
      told: [],
      hangs: false,
      say: (text) => {
        if (!program.hangs) channel.write(text);
      },
      exit: () => void channel.end(),
    };
    this.programs.push(program);
    let pending = '';
    channel.on('data', (chunk: Buffer) => {
      const lines = (pending + chunk.toString()).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) this.#obey(program, line);
    });
    program.say(`Welcome to this host!\n\nready ${program.pid} ${this.ready}\n`);
  }

  #obey(program: FakeProgram, line: string): void {
    program.told.push(line);
    const [verb, to = '', ...text] = line.split(' ');
    const box = this.#boxes.get(to);
    switch (verb) {
      case 'ping':
        if (this.answers) program.say(`pong ${to}\n`);
        return;
      case 'facts':
        return program.say(`facts ${this.facts.length > 1 ? this.facts.shift() : this.facts[0]}\n`);
      case 'box':
        if (!this.makesBoxes) return program.say('nobox\n');
        this.#boxes.set(`/tmp/nat-idle-${to}`, program);
        return program.say(`box /tmp/nat-idle-${to}\n`);
      case 'post':
        if (box === undefined || !this.posts) return program.say(`unposted ${text.join(' ')}\n`);
        if (this.arrives) box.say(`${text.join(' ')}\n`);
        return program.say(`posted ${text.join(' ')}\n`);
      case 'queue':
        return program.say(`queue ${to} ${this.queue}\n`);
      default:
    }
  }
}
