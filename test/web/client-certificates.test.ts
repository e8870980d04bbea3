/** Every policy for client certificates, against every kind of client, over TLS 1.2 and 1.3, fresh and resumed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import { makeCa, makeCertificate, type Pair } from '../support/certificates.js';
import { requires } from '../support/requires.js';

const CLIENTS = ['none', 'untrusted', 'trusted', 'expired', 'wrong name', 'self-signed'] as const;
type Client = (typeof CLIENTS)[number];

/** Who is let in; the allowed name is that of all clients but one, where names are asked for at all. */
const POLICIES: Readonly<Record<string, { readonly sans: boolean; readonly admitted: readonly Client[] }>> = {
  NoClientCert: { sans: false, admitted: CLIENTS },
  RequestClientCert: { sans: false, admitted: CLIENTS },
  RequireAnyClientCert: { sans: false, admitted: CLIENTS.filter((client) => client !== 'none') },
  'RequireAnyClientCert with names': {
    sans: true,
    admitted: ['untrusted', 'trusted', 'expired', 'self-signed'],
  },
  VerifyClientCertIfGiven: { sans: false, admitted: ['none', 'trusted', 'wrong name'] },
  RequireAndVerifyClientCert: { sans: false, admitted: ['trusted', 'wrong name'] },
  'RequireAndVerifyClientCert with names': { sans: true, admitted: ['trusted'] },
};

const openssl = requires({ packages: ['openssl'] });

openssl.describe('client certificates', () => {
  let directory = '';
  let ca: Pair;
  const pairs = new Map<Client, Pair>();
  const running: WebServer[] = [];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'client-certificates-'));
    ca = makeCa(directory, 'ca');
    const other = makeCa(directory, 'other-ca');
    makeCertificate(directory, 'server', ca, 'DNS:localhost,IP:127.0.0.1');
    pairs.set('trusted', makeCertificate(directory, 'trusted', ca, 'DNS:scraper.example'));
    pairs.set('wrong name', makeCertificate(directory, 'wrong', ca, 'DNS:stranger.example'));
    pairs.set('untrusted', makeCertificate(directory, 'untrusted', other, 'DNS:scraper.example'));
    const expired = makeCertificate(directory, 'expired', ca, 'DNS:scraper.example');
    // The same once more, but over: openssl counts days back, too.
    const signed = ['-CA', ca.cert, '-CAkey', ca.key, '-extfile', join(directory, 'expired.ext')];
    const over = ['-days', '-1', '-in', join(directory, 'expired.csr'), '-out', expired.cert];
    execFileSync('openssl', ['x509', '-req', ...signed, ...over], { stdio: 'pipe' });
    pairs.set('expired', expired);
    const self = makeCa(directory, 'self');
    const named = ['-addext', 'subjectAltName=DNS:scraper.example', '-subj', '/CN=self', '-key', self.key];
    execFileSync('openssl', ['req', '-x509', ...named, '-out', self.cert], { stdio: 'pipe' });
    pairs.set('self-signed', self);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function serve(policy: string, sans: boolean): Promise<number> {
    const [type = ''] = policy.split(' ');
    const asks = type === 'NoClientCert' ? '' : '  client_ca_file: ca.pem\n';
    const names = sans ? '  client_allowed_sans: [scraper.example]\n' : '';
    const configFile = join(directory, 'web.yml');
    writeFileSync(
      configFile,
      `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: ${type}\n${asks}${names}`,
    );
    const server = await startWebServer({
      app: (_request, response) => response.end('let in'),
      listen: [{ host: '127.0.0.1', port: 0 }],
      configFile,
    });
    running.push(server);
    return Number(new URL(server.urls[0] ?? '').port);
  }

  /** One request; what is heard, and the session that could be resumed. */
  function ask(
    port: number,
    client: Client,
    more: ConnectionOptions,
  ): Promise<{ text: string; session?: Buffer }> {
    const pair = pairs.get(client);
    const own = pair === undefined ? {} : { cert: readFileSync(pair.cert), key: readFileSync(pair.key) };
    return new Promise((resolve) => {
      let text = '';
      let session: Buffer | undefined;
      const socket: TLSSocket = connect({
        port,
        host: '127.0.0.1',
        ca: readFileSync(ca.cert),
        ...own,
        ...more,
      });
      socket.on('session', (ticket: Buffer) => (session = ticket));
      socket.on('error', () => undefined);
      socket.setEncoding('latin1').on('data', (part: string) => (text += part));
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      socket.once('close', () => resolve({ text, ...(session === undefined ? {} : { session }) }));
    });
  }

  for (const [policy, { sans, admitted }] of Object.entries(POLICIES)) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`${policy} over ${version} lets in: ${admitted.join(', ')}`, async () => {
        const port = await serve(policy, sans);
        const protocol = { minVersion: version, maxVersion: version };
        const letIn: Client[] = [];
        const resumed: Client[] = [];
        for (const client of CLIENTS) {
          const { text, session } = await ask(port, client, protocol);
          if (text.includes('let in')) letIn.push(client);
          // Whoever was turned away may have a session all the same: it must open no door.
          const again = session === undefined ? { text } : await ask(port, client, { ...protocol, session });
          if (again.text.includes('let in')) resumed.push(client);
        }
        expect(letIn).toEqual(admitted);
        expect(resumed).toEqual(admitted);
      });
    }
  }

  test('a client without a certificate is let in by no session of its own either', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const port = await serve('RequireAndVerifyClientCert', false);
      const protocol = { minVersion: version, maxVersion: version };
      const { session } = await ask(port, 'none', protocol);
      const { text } = await ask(port, 'none', session === undefined ? protocol : { ...protocol, session });
      expect(text).toBe('');
    }
  });
});
