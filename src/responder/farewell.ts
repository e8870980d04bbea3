/** Sockets whose last line is on its way: they are given one to two sweeps to take it. */
import type { Socket } from 'node:net';
import { resetOrDestroy } from '../net/reset.js';

export class Farewells {
  #young = new Set<Socket>();
  #old = new Set<Socket>();

  /** Ends the connection after what was written; at once where nothing was. */
  part(socket: Socket, told: boolean): void {
    if (told && !socket.destroyed) {
      this.#young.add(socket);
      socket.destroySoon();
    } else {
      resetOrDestroy(socket);
    }
  }

  /** Connections that are still to be ended. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  closed(socket: Socket): void {
    this.#young.delete(socket);
    this.#old.delete(socket);
  }

  sweep(): void {
    for (const socket of this.#old) socket.destroy();
    [this.#old, this.#young] = [this.#young, this.#old];
    this.#young.clear();
  }

  destroyAll(): void {
    for (const socket of [...this.#young, ...this.#old]) socket.destroy();
  }
}
