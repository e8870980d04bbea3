/** A far end that closes what it accepts: is it hammered? */
import { hammering } from '../support/hammering.js';

export const attack = hammering('closes at once', 'a far end that closes what it accepts');
