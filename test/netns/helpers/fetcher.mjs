/**
 * Fetches over HTTP from inside a namespace for a test outside of it: reads one JSON request a line from stdin and
 * answers with one JSON line on stdout, so that polling a metrics page costs no new process each time. Plain
 * JavaScript: there are dozens of them, and a compiler in each costs more than all that they fetch.
 */
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) void answer(JSON.parse(line));

/** @param {{ id: number, url: string, method: string, deadline: number }} request */
async function answer({ id, url, method, deadline }) {
  try {
    const signal = AbortSignal.timeout(deadline);
    // No connection is kept for the next request: it would be one more idle flow in the lab.
    const response = await fetch(url, { method, signal, headers: { connection: 'close' } });
    reply({ id, status: response.status, body: await response.text() });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    reply({ id, error: `${method} ${url}: ${String(error)}${cause}` });
  }
}

/** @param {object} message */
function reply(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
