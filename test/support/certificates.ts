/** Certificates for tests, made by openssl: a CA, a server for localhost, clients with a name of choice. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes a self-signed CA; returns the paths of its certificate and key. */
export function makeCa(directory: string, name: string): Pair {
  const pair = paths(directory, name);
  const subject = ['-subj', `/CN=${name}`];
  openssl([
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    pair.key,
    '-out',
    pair.cert,
  ]);
  return pair;
}

/** Makes a certificate signed by `ca` with these subject alternative names, as openssl writes them. */
export function makeCertificate(directory: string, name: string, ca: Pair, altNames: string): Pair {
  const pair = paths(directory, name);
  const request = join(directory, `${name}.csr`);
  const extensions = join(directory, `${name}.ext`);
  writeFileSync(extensions, `subjectAltName=${altNames}\n`);
  openssl([
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    pair.key,
    '-out',
    request,
  ]);
  openssl([
    'x509',
    '-req',
    '-in',
    request,
    '-CA',
    ca.cert,
    '-CAkey',
    ca.key,
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    extensions,
    '-out',
    pair.cert,
  ]);
  return pair;
}

function paths(directory: string, name: string): Pair {
  return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
