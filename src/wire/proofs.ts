/** What the token's proofs are computed over, see `docs/PROTOCOL.md`. */
import { type AnnouncementFields, announcementText } from './announcement.js';
import type { Hello, Welcome } from './messages.js';

/**
 * The text whose HMAC-SHA256 under the token proves that one side knows it. `challenge` is the responder's
 * nonce. The client's proof covers the hello and both nonces; the responder's covers the welcome besides, so
 * that nobody without the token can change the address or the conntrack timeout that it reports. The two
 * directions differ, so that one side's proof cannot be reflected to it.
 */
export function macInput(direction: 'client', hello: Hello, challenge: string): string;
export function macInput(direction: 'responder', hello: Hello, challenge: string, welcome: Welcome): string;
export function macInput(
  direction: 'client' | 'responder',
  hello: Hello,
  challenge: string,
  welcome?: Welcome,
): string {
  const common = `nat-idle-exporter ${direction}\n${helloFields(hello)}\nCHALLENGE nonce=${challenge}\n`;
  return welcome === undefined ? common : `${common}${welcomeFields(welcome)}\n`;
}

/**
 * The text whose HMAC-SHA256 under the token is the `mac` of an `ANNOUNCE`. It names the connection by its hello and
 * the responder's nonce, so that nobody who can write into the connection can announce another address, and no
 * recorded announcement is worth anything on another connection.
 */
export function announcementMacInput(
  hello: Hello,
  challenge: string,
  announcement: AnnouncementFields,
): string {
  const opening = `${helloFields(hello)}\nCHALLENGE nonce=${challenge}\n`;
  return `nat-idle-exporter announcement\n${opening}${announcementText(announcement)}\n`;
}

/** A hello without what a responder may pass over: what both sides prove. */
export function helloFields(hello: Hello): string {
  const probe = hello.probe === undefined ? '' : ` probe=${hello.probe}`;
  return `HELLO v=${hello.version} role=${hello.role} session=${hello.session}${probe} nonce=${hello.nonce}`;
}

/** A welcome without its mac. */
export function welcomeFields(welcome: Welcome): string {
  const conntrack = welcome.conntrack === undefined ? '' : ` conntrack=${welcome.conntrack}`;
  const instance = welcome.instance === undefined ? '' : ` instance=${welcome.instance}`;
  const announce = welcome.announce === undefined ? '' : ` announce=${welcome.announce}`;
  const fresh = welcome.fresh === true ? ' fresh=1' : '';
  return `WELCOME v=${welcome.version} nonce=${welcome.nonce} seen=${welcome.seen}${conntrack}${instance}${announce}${fresh}`;
}
