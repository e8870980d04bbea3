/**
 * The far end of a sweep: answers the first line of a connection, then echoes in `send`, keeps silent in
 * `keepalive`, and in `recv` speaks first after the idle time and reports whether the client's answer arrived.
 * Argument: the port.
 */
import { createServer, type Socket } from 'node:net';
import { PATIENCE, report, type Mark, type SweepTest } from './sweep.js';

const server = createServer({ keepAlive: false }, (socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (line) => {
    serve(socket, JSON.parse(line.toString()) as SweepTest);
  });
});
server.listen({ port: Number(process.argv[2]), host: '::', backlog: 511 }, () => {
  process.stdout.write('listening\n');
});

function serve(socket: Socket, test: SweepTest): void {
  const began = performance.now();
  socket.write('ok\n');
  if (test.mode === 'send') socket.on('data', (data) => socket.write(data));
  if (test.mode !== 'recv') return;
  let done = false;
  const finish = (mark: Mark): void => {
    if (done) return;
    done = true;
    report({ id: test.id, mark, at: (performance.now() - began) / 1000 });
    socket.destroy();
  };
  socket.on('data', () => {
    finish('+');
  });
  socket.on('error', () => {
    finish('R');
  });
  setTimeout(() => {
    socket.write('late\n');
    setTimeout(() => {
      finish('-');
    }, PATIENCE);
  }, test.idle * 1000);
}
