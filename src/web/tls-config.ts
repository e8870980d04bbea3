/** The section `tls_server_config` of the web configuration: how it is read, and which clients it lets stay. */
import { resolve } from 'node:path';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import { defined } from '../defined.js';
import { messageOf } from '../message.js';
import { FILE_LIMITS, readRegularFile, whyUnreadable } from '../files.js';
import {
  CIPHER_SUITES,
  CLIENT_AUTH_TYPES,
  type ClientAuthType,
  CURVES,
  opensslCiphers,
  TLS_VERSIONS,
} from './tls-names.js';

export interface TlsConfig {
  readonly context: SecureContextOptions;
  readonly clientAuth: ClientAuthType;
  /** A client's certificate must name one of these; absent when any will do. */
  readonly allowedSans?: readonly string[];
}

/** Notes what is wrong with a place of the file. */
export type Complain = (path: string, rule: string, value?: unknown) => void;

const oneOf = (names: readonly string[]) => z.enum(names as [string, ...string[]]);
const text = z.string();

/** As Go's YAML reads it, which has more words for a truth than ours. @see https://yaml.org/type/bool.html */
export const flag = z.preprocess(
  (value) => (typeof value === 'string' ? truthOf(value) : value),
  z.boolean(),
);

function truthOf(word: string): boolean | string {
  if (/^(y|Y|yes|Yes|YES|on|On|ON)$/.test(word)) return true;
  return /^(n|N|no|No|NO|off|Off|OFF)$/.test(word) ? false : word;
}

export const TLS_SCHEMA = z.strictObject({
  cert: text.nullish(),
  key: text.nullish(),
  client_ca: text.nullish(),
  cert_file: text.nullish(),
  key_file: text.nullish(),
  client_ca_file: text.nullish(),
  client_auth_type: oneOf(['', ...CLIENT_AUTH_TYPES, 'RequireClientCert']).nullish(),
  client_allowed_sans: z.array(text).nullish(),
  min_version: oneOf(Object.keys(TLS_VERSIONS)).nullish(),
  max_version: oneOf(Object.keys(TLS_VERSIONS)).nullish(),
  cipher_suites: z.array(oneOf(Object.keys(CIPHER_SUITES))).nullish(),
  prefer_server_cipher_suites: flag.nullish(),
  curve_preferences: z.array(oneOf(Object.keys(CURVES))).nullish(),
});

type RawTls = z.infer<typeof TLS_SCHEMA>;

/** What can stand in the section itself or in a file of its own. */
const PEM_KEYS = ['cert', 'key', 'client_ca'] as const;

/** Certificates and keys, as far as they are given and can be read. */
type Pems = Readonly<Record<(typeof PEM_KEYS)[number], string | undefined>>;

/**
 * Reads the section; undefined where it does not ask for TLS, or where something is wrong with it.
 * @param folder what paths in it are relative to
 * @param files gets every file that it names
 */
export function readTls(
  raw: RawTls,
  folder: string,
  files: string[],
  complain: Complain,
): TlsConfig | undefined {
  if (!PEM_KEYS.some((key) => raw[key] || raw[`${key}_file`]) && !raw.client_auth_type) return undefined;
  let broken = false;
  const wrong: Complain = (key, rule, value) => {
    broken = true;
    complain(key === '' ? 'tls_server_config' : `tls_server_config.${key}`, rule, value);
  };
  const [cert, key, client_ca] = PEM_KEYS.map((name) => readPem(raw, name, folder, files, wrong));
  const clientAuth = clientAuthOf(raw.client_auth_type);
  checkPems(raw, { cert, key, client_ca }, wrong);
  checkClientAuth(raw, client_ca !== undefined, clientAuth, wrong);
  const context = contextOf(raw, { cert, key, client_ca }, wrong);
  if (broken) return undefined;
  try {
    createSecureContext(context);
  } catch (error) {
    wrong('', `certificate, key and CA cannot be used together: ${messageOf(error)}`);
    return undefined;
  }
  return defined({ context, clientAuth, allowedSans: raw.client_allowed_sans ?? undefined });
}

function readPem(
  raw: RawTls,
  key: (typeof PEM_KEYS)[number],
  folder: string,
  files: string[],
  wrong: Complain,
): string | undefined {
  const named = raw[`${key}_file`];
  if (!named) return raw[key] || undefined;
  const file = resolve(folder, named);
  files.push(file);
  if (raw[key]) wrong(key, `must not stand beside ${key}_file`);
  try {
    return readRegularFile(file, FILE_LIMITS.certificate).toString('utf8');
  } catch (error) {
    wrong(`${key}_file`, `cannot be read: ${whyUnreadable(error)}`, file);
    return undefined;
  }
}

function checkPems(raw: RawTls, { client_ca: ca }: Pems, wrong: Complain): void {
  for (const key of ['cert', 'key'] as const) {
    if (!raw[key] && !raw[`${key}_file`]) wrong(`${key}_file`, `is missing (or ${key})`);
  }
  // An empty CA would not mean "nobody": the TLS library would fall back to the public authorities.
  if (ca !== undefined && !/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(ca)) {
    wrong(raw.client_ca_file ? 'client_ca_file' : 'client_ca', 'must hold a certificate (PEM)');
  }
}

function checkClientAuth(raw: RawTls, hasCa: boolean, clientAuth: ClientAuthType, wrong: Complain): void {
  if (hasCa && clientAuth === 'NoClientCert') {
    wrong('client_auth_type', 'must ask for certificates where a client CA is given');
  }
  const verifies = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert';
  if (verifies && !raw.client_ca && !raw.client_ca_file) {
    wrong('client_ca_file', `is missing (client_auth_type is ${clientAuth})`);
  }
  const requires = clientAuth === 'RequireAnyClientCert' || clientAuth === 'RequireAndVerifyClientCert';
  if (raw.client_allowed_sans && !requires) {
    wrong('client_allowed_sans', 'needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert');
  }
}

/** The section in the terms of Node. */
function contextOf(raw: RawTls, { cert, key, client_ca: ca }: Pems, wrong: Complain): SecureContextOptions {
  const minVersion = TLS_VERSIONS[raw.min_version ?? 'TLS12'] ?? 'TLSv1.2';
  const maxVersion = TLS_VERSIONS[raw.max_version ?? 'TLS13'] ?? 'TLSv1.3';
  if (minVersion > maxVersion) wrong('min_version', 'must not be newer than max_version', raw.min_version);
  const { cipher_suites: suites, curve_preferences: curves } = raw;
  return defined({
    cert,
    key,
    ca,
    minVersion,
    maxVersion,
    honorCipherOrder: raw.prefer_server_cipher_suites !== false,
    ciphers: suites?.length ? opensslCiphers(suites) : undefined,
    ecdhCurve: curves?.length ? curves.map((name) => CURVES[name] ?? name).join(':') : undefined,
  });
}

function clientAuthOf(word: string | null | undefined): ClientAuthType {
  if (word === 'RequireClientCert') return 'RequireAnyClientCert';
  return CLIENT_AUTH_TYPES.find((name) => name === word) ?? 'NoClientCert';
}

/** Why a client with this certificate, or without one, may not stay; undefined when it may. */
export function refuseClient(socket: TLSSocket, { clientAuth, allowedSans }: TlsConfig): string | undefined {
  const given = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  switch (clientAuth) {
    case 'NoClientCert':
    case 'RequestClientCert':
      return undefined;
    case 'VerifyClientCertIfGiven':
      return given && !socket.authorized ? 'client certificate not trusted' : undefined;
    case 'RequireAnyClientCert':
      if (!given) return 'no client certificate';
      break;
    case 'RequireAndVerifyClientCert':
      if (!given) return 'no client certificate';
      if (!socket.authorized) return 'client certificate not trusted';
  }
  if (allowedSans === undefined) return undefined;
  const names = subjectNames(socket.getPeerCertificate().subjectaltname);
  return names.some((name) => allowedSans.includes(name))
    ? undefined
    : 'client certificate has no allowed name';
}

/** The values of `DNS:a, IP Address:192.0.2.1, URI:b, email:c`; one with a comma is a JSON string that escapes it. */
function subjectNames(subjectAltName: string | undefined): string[] {
  const entries = (subjectAltName ?? '').matchAll(
    /(?:^|, )(?:DNS|IP Address|URI|email):(?:("[^,]*")|([^,]*))/g,
  );
  return [...entries].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : z.string().parse(JSON.parse(quoted)),
  );
}
