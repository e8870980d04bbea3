/** A far end that welcomes and says ERROR: is it hammered? */
import { hammering } from '../support/hammering.js';

export const attack = hammering('welcomes and says ERROR', 'a far end that welcomes and says ERROR');
