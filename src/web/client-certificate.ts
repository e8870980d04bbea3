/** Judges the certificate that a TLS client presented, as Go's ClientAuthType and the allowed names ask for. */
import type { TLSSocket } from 'node:tls';
import type { TlsConfig } from './web-config.js';

/** Why this client may not stay, or undefined when it may. */
export function refuseClient(socket: TLSSocket, tls: TlsConfig): string | undefined {
  const given = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  switch (tls.clientAuth) {
    case 'NoClientCert':
    case 'RequestClientCert':
      return undefined;
    case 'RequireAnyClientCert':
      if (!given) return 'no client certificate';
      break;
    case 'VerifyClientCertIfGiven':
      if (given && !socket.authorized) return 'client certificate not trusted';
      return undefined;
    case 'RequireAndVerifyClientCert':
      if (!given) return 'no client certificate';
      if (!socket.authorized) return 'client certificate not trusted';
      break;
  }
  if (tls.allowedSans === undefined) return undefined;
  const names = subjectNames(socket.getPeerCertificate().subjectaltname);
  const allowed = tls.allowedSans;
  return names.some((name) => allowed.includes(name)) ? undefined : 'client certificate has no allowed name';
}

/** The values of `DNS:a, IP Address:192.0.2.1, URI:b, email:c`; quoted values are JSON strings. */
function subjectNames(subjectAltName: string | undefined): string[] {
  const entries = (subjectAltName ?? '').matchAll(
    /(?:^|, )(?:DNS|IP Address|URI|email):("(?:[^"\\]|\\.)*"|[^,]*)/g,
  );
  return [...entries].map(([, value = '']) => {
    if (!value.startsWith('"')) return value;
    const decoded: unknown = JSON.parse(value);
    return typeof decoded === 'string' ? decoded : '';
  });
}
