/** A far end that welcomes and resets: is it hammered? */
import { hammering } from '../support/hammering.js';

export const attack = hammering('welcomes and resets', 'a far end that welcomes and resets');
