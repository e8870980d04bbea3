/** Makes a lab with a process in it, says so, and waits to be ended: what it leaves behind is the test. */
import { createLab } from '../lab.js';

const lab = await createLab({ box: 'strict', idleTimeout: 10 });
const sleeper = lab.spawn('client', 'sleep', ['600']);
process.stdout.write(`${JSON.stringify({ lab: lab.name, sleeper: sleeper.pid })}\n`);
await new Promise((resolve) => setTimeout(resolve, 600_000));
