/** Announced addresses that would make a Prometheus ask itself, its neighbours or its cloud. */
import { tokenMac } from '../../src/net/token.js';
import { announcementMacInput } from '../../src/wire/proofs.js';
import { newHello } from '../../test/responder/raw-client.js';
import type { Attack } from '../attack.js';
import { TOKEN } from '../support/house.js';
import { openProven } from '../support/native.js';

const HOSTS = [
  ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1'],
  ...['255.255.255.255', '240.0.0.1', '100.100.100.200', '192.0.0.192', '168.63.129.16', '0.1.2.3'],
  ...[
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[fe80::1]',
    '[ff02::1]',
  ],
  ...['[fd00:ec2::254]', '[fd20:ce::254]', '[fec0::1]', '[64:ff9b::169.254.169.254]', '[64:ff9b::7f00:1]'],
  ...['[64:ff9b:1::a9fe:a9fe]', '[2002:7f00:1::]', '[2002:a9fe:a9fe::1]'],
  ...[
    'localhost',
    'a.localhost',
    'localhost.',
    'ip6-localhost',
    'ip6-loopback',
    'ip6-allnodes',
    'ip6-allrouters',
  ],
  ...[
    'metadata.google.internal',
    'metadata.google.internal.',
    'metadata',
    'metadata.goog',
    'instance-data',
    '_',
  ],
];
/** These are what announcements are for. */
const SOUND = ['192.0.2.7', '10.1.2.3', '[2001:db8::7]', 'exporter.example', 'exporter'];
const USER = 'user: $2y$04$xZpjE4OMJfXIeuZ6pfzLPe6OpW0N1y4Y5sSbSkSHrAf6y/9QCOoOW';

export const attack: Attack = {
  about: 'announced addresses of loopback, link-local, metadata services, in every spelling',
  criterion: 'all are refused, and sound ones are taken',
  run: async (house) => {
    const token = await house.write('token', TOKEN);
    const web = await house.write('web.yaml', `basic_auth_users: {${USER}}\n`);
    const far = await house.responder([`--token-file=${token}`, '--discovery', `--web.config.file=${web}`]);
    const opened = await openProven(far.port, TOKEN, newHello('control', { announce: true }));
    const { client, hello, challenge } = opened;
    const taken = async (host: string): Promise<boolean> => {
      const fields = { address: `${host}:15382` };
      const before = client.messages.length;
      client.say({
        kind: 'announce',
        ...fields,
        mac: tokenMac(TOKEN, announcementMacInput(hello, challenge, fields)),
      });
      await client.hear(before + 1);
      return client.messages[before]?.kind === 'announced';
    };
    const through: string[] = [];
    for (const host of HOSTS) if (await taken(host)) through.push(host);
    let sound = 0;
    for (const host of SOUND) if (await taken(host)) sound += 1;
    client.destroy();
    return {
      load: `${HOSTS.length} spellings`,
      held: through.length === 0 && sound === SOUND.length,
      outcome: `${through.length} taken${through.length > 0 ? `: ${through.join(' ')}` : ''}`,
      figure: `${sound} of ${SOUND.length} sound ones taken`,
    };
  },
};
