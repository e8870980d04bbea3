/** What is used of ssh2, which has no types of its own. */
declare module 'ssh2' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex, Readable } from 'node:stream';

  export interface ParsedKey {
    readonly type: string;
    isPrivateKey(): boolean;
    getPublicSSH(): Buffer;
  }

  type Identities = (error: Error | null | undefined, keys?: unknown[]) => void;

  export class BaseAgent {
    getIdentities(done: Identities): void;
    sign(key: unknown, data: Buffer, options: unknown, done: unknown): void;
  }

  export type Authentication =
    | { readonly type: 'agent'; readonly username: string; readonly agent: BaseAgent }
    | { readonly type: 'publickey'; readonly username: string; readonly key: Buffer };

  export interface ConnectOptions {
    readonly sock: Duplex;
    readonly username: string;
    /** 0: ssh2 has no patience of its own. */
    readonly readyTimeout: 0;
    /** 0: it breaks no silence. */
    readonly keepaliveInterval: 0;
    readonly algorithms: { readonly serverHostKey: readonly string[] };
    readonly hostVerifier: (key: Buffer) => boolean;
    readonly authHandler: () => Authentication | false;
  }

  export interface Channel extends Duplex {
    readonly stderr: Readable;
    close(): void;
  }

  export class Client extends EventEmitter {
    connect(options: ConnectOptions): this;
    exec(command: string, done: (error: Error | undefined, channel: Channel) => void): this;
    /** A global request that the far end has to answer (RFC 4254 section 7.1); an Error is an answer, too. */
    unforwardIn(address: string, port: number, done: (error?: Error) => void): this;
    end(): this;
  }

  export function createAgent(path: string): BaseAgent;
  export const utils: { parseKey(key: Buffer): ParsedKey | ParsedKey[] | Error };
}
