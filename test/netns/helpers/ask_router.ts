/** Asks the router as the product does and prints what it learnt as JSON: `ask_router.ts LOCAL REMOTE`. */
import { systemClock } from '../../../src/clock.js';
import { createAskRouter } from '../../../src/net/router.js';

const [local = '', remote = ''] = process.argv.slice(2);
const answer = await createAskRouter(systemClock)({ local, remote });
process.stdout.write(`${JSON.stringify({ address: answer?.address ?? null })}\n`);
