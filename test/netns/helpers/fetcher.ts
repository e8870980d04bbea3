/**
 * Fetches over HTTP from inside a namespace for a test outside of it: reads one JSON request a line from stdin and
 * answers with one JSON line on stdout, so that polling a metrics page costs no new process each time.
 */
import { createInterface } from 'node:readline';

interface FetchRequest {
  readonly id: number;
  readonly url: string;
  readonly method: string;
  readonly deadline: number;
}

for await (const line of createInterface({ input: process.stdin })) {
  void answer(JSON.parse(line) as FetchRequest);
}

async function answer({ id, url, method, deadline }: FetchRequest): Promise<void> {
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

function reply(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
