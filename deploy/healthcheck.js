/**
 * The image's HEALTHCHECK: succeeds when the exporter or the responder of this container answers. Another address
 * (other port, TLS) is given by HEALTHCHECK_URL; the CA of a certificate of one's own by NODE_EXTRA_CA_CERTS. Where the
 * server asks for a password (401) it has answered: whoever checks its health needs none.
 */
const urls =
  process.env.HEALTHCHECK_URL === undefined
    ? ['http://127.0.0.1:15382/-/healthy', 'http://127.0.0.1:15383/-/healthy']
    : [process.env.HEALTHCHECK_URL];

const answers = await Promise.allSettled(
  urls.map(async (url) => {
    const response = await fetch(url, { signal: AbortSignal.timeout(4000) });
    if (!response.ok && response.status !== 401) throw new Error(`${url}: ${response.status}`);
  }),
);
process.exitCode = answers.some((answer) => answer.status === 'fulfilled') ? 0 : 1;
