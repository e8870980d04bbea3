/** A far end that welcomes and closes: is it hammered? */
import { hammering } from '../support/hammering.js';

export const attack = hammering('welcomes and closes', 'a far end that welcomes and closes');
