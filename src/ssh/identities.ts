/** The keys that are offered to an SSH server: those of the agent, and files. Their contents stay in here. */
import { join } from 'node:path';
import type { Authentication, BaseAgent, ParsedKey } from 'ssh2';
import { FILE_LIMITS, readRegularFile, whyUnreadable } from '../files.js';
import type { Home } from './client-config.js';
import { requireSsh } from './packages.js';
import { SshError } from './ssh-error.js';

/** Most keys that are offered: OpenSSH turns away whoever was refused six times (MaxAuthTries). */
const MOST_OFFERS = 5;
/** Files that are tried where nobody names one. */
const USUAL_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** One key, and how messages call it. */
export interface Offer {
  readonly name: string;
  /** Tells two keys apart; the public half at most. */
  readonly id: string;
  readonly with: (username: string) => Authentication;
}

export interface IdentityOptions {
  /** The only key, where the target names one. */
  readonly identityFile?: string;
  /** Those that the user's configuration names. */
  readonly identityFiles: readonly string[];
  readonly home: Home;
  /** `SSH_AUTH_SOCK`. */
  readonly agentSocket?: string;
}

/** What concerns the key does not get better by itself. */
const KEY = { remedy: 'identity_file' } as const;

/**
 * The keys to offer, in their order.
 * @throws SshError where there is none, or the one that the target names cannot be used
 */
export async function offersOf(options: IdentityOptions): Promise<readonly Offer[]> {
  const { identityFile, identityFiles, home, agentSocket } = options;
  if (identityFile !== undefined) return [fileOffer(identityFile)];
  const { offers, problem } = await agentOffers(agentSocket);
  const named = identityFiles.length > 0;
  const files = named ? identityFiles : USUAL_FILES.map((file) => join(home.folder, '.ssh', file));
  const problems: string[] = problem === undefined ? [] : [problem];
  for (const file of files) {
    try {
      offers.push(fileOffer(file));
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      if (named || !error.message.endsWith('no such file')) problems.push(error.message);
    }
  }
  if (offers.length > 0) return offers.slice(0, MOST_OFFERS);
  const why = problems.length === 0 ? `neither an agent nor one of ${files.join(', ')}` : problems.join('; ');
  throw new SshError(`there is no key to log in with: ${why} (set identity_file)`, KEY);
}

function fileOffer(file: string): Offer {
  let key: Buffer;
  try {
    key = readRegularFile(file, FILE_LIMITS.secret);
  } catch (error) {
    throw new SshError(`identity file ${file} cannot be read: ${whyUnreadable(error)}`, KEY);
  }
  const parsed = requireSsh('ssh2').utils.parseKey(key);
  if (parsed instanceof Error) {
    const locked = /encrypted|passphrase/i.test(parsed.message);
    const why = locked
      ? 'is protected by a passphrase, which nobody can be asked for: add it to the agent'
      : 'is no private key';
    throw new SshError(`identity file ${file} ${why}`, KEY);
  }
  const [first] = [parsed].flat();
  if (first?.isPrivateKey() !== true) throw new SshError(`identity file ${file} is no private key`);
  const id = first.getPublicSSH().toString('base64');
  return { name: file, id, with: (username) => ({ type: 'publickey', username, key }) };
}

async function agentOffers(socket?: string): Promise<{ offers: Offer[]; problem?: string }> {
  if (socket === undefined || socket === '') return { offers: [] };
  const ssh2 = requireSsh('ssh2');
  const agent = ssh2.createAgent(socket);
  let keys: readonly unknown[];
  try {
    keys = await new Promise((resolve, reject) =>
      agent.getIdentities((error, found = []) => (error ? reject(error) : resolve(found))),
    );
  } catch {
    return { offers: [], problem: 'the agent at SSH_AUTH_SOCK does not answer' };
  }
  if (keys.length === 0) return { offers: [], problem: 'the agent at SSH_AUTH_SOCK has no keys' };
  const offers = keys.map((key, index): Offer => {
    const single = new (class extends ssh2.BaseAgent {
      override getIdentities(done: Parameters<BaseAgent['getIdentities']>[0]): void {
        done(null, [key]);
      }
      override sign(...asked: Parameters<BaseAgent['sign']>): void {
        agent.sign(...asked);
      }
    })();
    return {
      name: `key ${index + 1} of the agent`,
      id: isParsed(key) ? key.getPublicSSH().toString('base64') : String(index),
      with: (username) => ({ type: 'agent', username, agent: single }),
    };
  });
  return { offers };
}

function isParsed(key: unknown): key is ParsedKey {
  return typeof key === 'object' && key !== null && 'getPublicSSH' in key;
}
