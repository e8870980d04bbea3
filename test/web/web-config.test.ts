import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCiphers } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/problem.js';
import { readWebConfig } from '../../src/web/web-config.js';
import { CIPHER_SUITES, CURVES, opensslCiphers, TLS_VERSIONS } from '../../src/web/tls-names.js';
import { makeCa, makeCertificate, type Pair } from '../support/certificates.js';
import { requires } from '../support/requires.js';

let directory = '';
let server: Pair;
let ca: Pair;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'web-config-'));
  if (!openssl.met) return;
  ca = makeCa(directory, 'ca');
  server = makeCertificate(directory, 'server', ca, 'DNS:localhost');
});
afterAll(() => rmSync(directory, { recursive: true }));

const HASH = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';
const openssl = requires({ packages: ['openssl'] });
const promtool = requires({ packages: ['openssl', 'prometheus'] });

function write(content: string): string {
  const file = join(directory, 'web.yml');
  writeFileSync(file, content);
  return file;
}

/** The problems of a file, each without the file's name in front. */
function problemsOf(content: string): string[] {
  const file = write(content);
  try {
    readWebConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${file}: `, ''));
  }
  return [];
}

/** Whether Prometheus' own tool takes the file. */
function promtoolTakes(content: string): boolean {
  return spawnSync('promtool', ['check', 'web-config', write(content)]).status === 0;
}

const GOOD: Readonly<Record<string, string>> = {
  'an empty file': '',
  'comments only': '# nothing\n\n',
  'a comment that ends without a line break': '# nothing',
  users: `basic_auth_users:\n  alice: ${HASH}\n  bob: ${HASH}\n`,
  headers:
    "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: sameorigin\n    Content-Security-Policy: default-src 'self'\n    Strict-Transport-Security: max-age=3600\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: '0'\n",
  TLS: 'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n',
  "what is a truth or a number to Go's YAML":
    'http_server_config:\n  http2: off\n  headers: {X-XSS-Protection: 0}\n',
  'TLS with everything':
    'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n  min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: false\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n  curve_preferences: [X25519, CurveP256]\n',
};

const BAD: Readonly<Record<string, readonly [content: string, problems: readonly string[]]>> = {
  'unknown keys, all at once': [
    'tls_config: {}\nbasic_auth_user: {}\nhttp_server_config: {http3: true}\n',
    [
      'http_server_config.http3: is not a known key',
      'tls_config: is not a known key',
      'basic_auth_user: is not a known key',
    ],
  ],
  'a missing certificate and a missing key': [
    'tls_server_config:\n  cert_file: nowhere.pem\n  key_file: nokey.pem\n',
    [
      'tls_server_config.cert_file: cannot be read: no such file, found DIR/nowhere.pem',
      'tls_server_config.key_file: cannot be read: no such file, found DIR/nokey.pem',
    ],
  ],
  'a key file left out': [
    'tls_server_config:\n  cert_file: server.pem\n',
    ['tls_server_config.key_file: is missing (or key)'],
  ],
  'an unknown kind of client authentication': [
    'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: Always\n',
    [
      'tls_server_config.client_auth_type: must be one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, found Always',
    ],
  ],
  'a client CA without client authentication': [
    'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_ca_file: ca.pem\n',
    ['tls_server_config.client_auth_type: must ask for certificates where a client CA is given'],
  ],
  'a header that is not allowed and a wrong value': [
    'http_server_config:\n  headers:\n    Server: nginx\n    X-Frame-Options: allow\n    Content-Security-Policy: "self\\nX-Evil: 1"\n',
    [
      'http_server_config.headers.Server: is not a header that can be set (only Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security)',
      'http_server_config.headers.X-Frame-Options: must be deny or sameorigin, found allow',
      'http_server_config.headers.Content-Security-Policy: must be one line of printable characters, found "self\\nX-Evil: 1"',
    ],
  ],
  'a password that is no bcrypt hash': [
    'basic_auth_users:\n  alice: secret\n',
    ['basic_auth_users.alice: must be a bcrypt hash ($2y$10$…)'],
  ],
  'an unknown cipher suite': [
    'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n',
    [
      expect.stringMatching(
        /^tls_server_config.cipher_suites.0: must be one of TLS_AES_128_GCM_SHA256, .*found TLS_RSA_WITH_RC4_128_SHA$/,
      ) as string,
    ],
  ],
  'an unknown curve': [
    'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  curve_preferences: [Curve25519]\n',
    [
      'tls_server_config.curve_preferences.0: must be one of CurveP256, CurveP384, CurveP521, X25519, found Curve25519',
    ],
  ],
  'an unknown TLS version': [
    'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  min_version: SSL30\n',
    ['tls_server_config.min_version: must be one of TLS10, TLS11, TLS12, TLS13, found SSL30'],
  ],
  'a list in place of a mapping': ['- a\n', ['must be a mapping']],
  'broken YAML': ['a: [\n', [expect.stringMatching(/^line \d+, column \d+: must be YAML: /) as string]],
};

openssl.describe('readWebConfig() with certificates', () => {
  for (const [what, content] of Object.entries(GOOD)) {
    test(`takes ${what}`, () => {
      expect(problemsOf(content)).toEqual([]);
    });
  }
  for (const [what, [content, problems]] of Object.entries(BAD)) {
    test(`refuses ${what}`, () => {
      expect(problemsOf(content).map((line) => line.replace(`${directory}/`, 'DIR/'))).toEqual(problems);
    });
  }

  test('refuses a key that does not fit the certificate', () => {
    const other = makeCertificate(directory, 'other', ca, 'DNS:other');
    expect(problemsOf(`tls_server_config:\n  cert_file: ${server.cert}\n  key_file: ${other.key}\n`)).toEqual(
      [
        expect.stringMatching(
          /^tls_server_config: certificate, key and CA cannot be used together: /,
        ) as string,
      ],
    );
  });

  test('refuses allowed names without a required certificate', () => {
    const content = `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_allowed_sans: [a]\n`;
    expect(problemsOf(content)).toEqual([
      'tls_server_config.client_allowed_sans: needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert',
    ]);
  });

  test.each(['VerifyClientCertIfGiven', 'RequireAndVerifyClientCert'])(
    'refuses client_auth_type %s without a CA to verify by',
    (type) => {
      const content = `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: ${type}\n`;
      expect(problemsOf(content)).toEqual([
        `tls_server_config.client_ca_file: is missing (client_auth_type is ${type})`,
      ]);
    },
  );

  test('refuses a client CA without a certificate', () => {
    writeFileSync(join(directory, 'empty.pem'), '');
    const content = `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: empty.pem\n`;
    expect(problemsOf(content)).toEqual(['tls_server_config.client_ca_file: must hold a certificate (PEM)']);
  });
});

promtool.describe('promtool check web-config', () => {
  for (const [what, content] of Object.entries(GOOD)) {
    test(`takes ${what}`, () => {
      expect(promtoolTakes(content)).toBe(true);
    });
  }
  for (const [what, [content]] of Object.entries(BAD)) {
    test(`refuses ${what}`, () => {
      expect(promtoolTakes(content)).toBe(false);
    });
  }
});

test('readWebConfig() names a file that is not there', () => {
  expect(() => readWebConfig('/nowhere/web.yml')).toThrow('/nowhere/web.yml: cannot be read: no such file');
});

test('readWebConfig() shows no secret in a message', () => {
  const message = [
    'basic_auth_users:\n  alice: [hunter2]\ntls_server_config: {key: [topsecret]}\n',
    'tls_server_config: [{key: topsecret}]\nbasic_auth_users: hunter2\n',
    'topsecret\n',
  ]
    .flatMap(problemsOf)
    .join('\n');
  expect(message).toContain('basic_auth_users.alice');
  expect(message).not.toContain('hunter2');
  expect(message).not.toContain('topsecret');
});

const TRUTHS = {
  true: ['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true'],
  false: ['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'false'],
};
test.each(Object.entries(TRUTHS))('readWebConfig() reads as %s all words of YAML for it', (truth, words) => {
  for (const word of words) {
    const file = write(`http_server_config: {http2: ${word}}\n`);
    expect([word, readWebConfig(file).config.http2Asked]).toEqual([word, truth === 'true']);
  }
});

test.each(['yesterday', 'one', 'nothing', 'casino', 'offset', 'standoff', 'seaman'])(
  'readWebConfig() takes %s for no truth value',
  (word) => {
    expect(problemsOf(`http_server_config: {http2: ${word}}\n`)).toEqual([
      `http_server_config.http2: must be true or false, found ${word}`,
    ]);
  },
);

test('readWebConfig() sets no header that is empty', () => {
  const file = write(
    "http_server_config:\n  headers: {Content-Security-Policy: '', Strict-Transport-Security: max-age=1}\n",
  );
  expect([...readWebConfig(file).config.headers]).toEqual([['Strict-Transport-Security', 'max-age=1']]);
});

test('readWebConfig() reads the rate limit', () => {
  const file = write('rate_limit: {interval: 1s500ms, burst: 3}\n');
  expect(readWebConfig(file).config.rateLimit).toEqual({ perSecond: 1 / 1.5, burst: 3 });
  expect(problemsOf('rate_limit: {interval: soon}\n')).toEqual([
    'rate_limit.interval: must be a duration such as 100ms, found soon',
  ]);
});

test('opensslCiphers() leaves TLS 1.3 alone unless the list has nothing else', () => {
  expect(opensslCiphers(['TLS_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'])).toBe(
    'ECDHE-RSA-AES128-GCM-SHA256',
  );
  expect(opensslCiphers(['TLS_AES_128_GCM_SHA256'])).toBe('TLS_AES_128_GCM_SHA256');
});

test('each of Go’s suites is one that OpenSSL has, under the name that it has there', () => {
  const known = getCiphers().map((name) => name.toUpperCase());
  for (const [go, openssl] of Object.entries(CIPHER_SUITES)) {
    expect(known).toContain(openssl);
    // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: ECDHE-RSA-AES128-GCM-SHA256; what OpenSSL takes for granted it leaves out.
    const derived = go
      .replace(/^TLS_(ECDHE)_(\w+?)_WITH_/, '$1-$2-')
      .replace(/AES_(\d+)_(CBC_)?/, 'AES$1-')
      .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20-POLY1305')
      .replaceAll('_', '-');
    expect(openssl).toBe(go.startsWith('TLS_ECDHE') ? derived : go);
  }
});

test('each of Go’s curves and versions is one that OpenSSL has', () => {
  for (const [go, openssl] of Object.entries(CURVES)) expect(openssl).toBe(go.replace(/^CurveP/, 'P-'));
  for (const [go, openssl] of Object.entries(TLS_VERSIONS))
    expect(openssl).toBe(go.replace(/^TLS1(\d)$/, 'TLSv1.$1').replace(/\.0$/, ''));
});
