/** The built-in far end: the native protocol, with an endpoint of the built-in NAT for each mode. */
import type { FarEnd } from '../../config/far-ends.js';
import { defined } from '../../defined.js';
import { endpointAt, openingDeadline, type Protocol } from '../path.js';
import { createNativePath } from './native.js';

export const embedded: Protocol<Extract<FarEnd, { kind: 'embedded' }>> = {
  path(options) {
    const { target, clock, embedded: farEnd, openLink } = options;
    if (farEnd === undefined) throw new Error('the embedded far end has not been started');
    const endpoint = (mode: Parameters<typeof farEnd.port>[0]) => endpointAt(options, farEnd.port(mode));
    return createNativePath(defined({ clock, deadline: openingDeadline(target), endpoint, openLink }));
  },
};
