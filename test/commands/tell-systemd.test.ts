import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tellSystemd } from '../../src/commands/tell-systemd.js';
import { requires } from '../support/requires.js';

/** Stands in for systemd's end, which is a datagram socket in the file system. */
const LISTENER = `
import socket, sys
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
end.bind(sys.argv[1])
print('listening', flush=True)
print(end.recv(100).decode(), flush=True)
`;

requires({ packages: ['systemd', 'python3'] }).describe('tellSystemd', () => {
  it('says that the service is ready, to whom asked for it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'notify-'));
    const socket = join(folder, 'socket');
    const listener = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let heard = '';
      for await (const chunk of listener.stdout) {
        heard += String(chunk);
        if (heard === 'listening\n') {
          tellSystemd(process.env);
          tellSystemd({ ...process.env, NOTIFY_SOCKET: socket });
        }
      }
      expect(heard.trim().split('\n')).toEqual(['listening', 'READY=1']);
    } finally {
      listener.kill();
      rmSync(folder, { recursive: true });
    }
  });
});
