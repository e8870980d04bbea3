/**
 * The kernel's socket calls as plain functions of numbers and bytes, through koffi: an optional package, loaded only when
 * somebody asks for it. Nothing of koffi leaves this file, and no address of memory enters or leaves it.
 */
import type { OptionName } from './linux.js';

/** Results below 0 are negated error numbers (`errno`). Buffers are read or filled no further than they are long. */
export interface SystemCalls {
  /** @returns how many bytes of `value` were filled */
  getOption(descriptor: number, option: OptionName, value: Uint8Array): number;
  setOption(descriptor: number, option: OptionName, value: Uint8Array): number;
  /** The local address of a socket, as `struct sockaddr`. @returns how many bytes of `address` were filled */
  localAddress(descriptor: number, address: Uint8Array): number;
  /** @returns a new descriptor, which the caller has to close */
  socket(family: number, type: number): number;
  bind(descriptor: number, address: Uint8Array): number;
  connect(descriptor: number, address: Uint8Array): number;
  /** Reads control messages alone. @returns how many bytes of `control` were filled */
  receiveControl(descriptor: number, control: Uint8Array, flags: number): number;
  close(descriptor: number): number;
  /** Bytes of a `size_t`. */
  readonly wordBytes: number;
}

type ForeignFunction = (...values: unknown[]) => number;

/** What is used of koffi. Its own types would have to be installed wherever this is compiled. */
interface Koffi {
  /** The program itself, and with it the C library that it runs on. */
  load(path: null): {
    func(prototype: string): ForeignFunction;
    func(name: string, result: string, parameters: readonly unknown[]): ForeignFunction;
  };
  struct(fields: Record<string, string>): unknown;
  pointer(type: unknown): unknown;
  inout(type: unknown): unknown;
  sizeof(type: string): number;
  errno(): number;
}

/** Not a literal: the compiler must not look for a package that need not be there. */
const PACKAGE: string = 'koffi';

/** @throws whatever keeps the package or its binary from being loaded */
export async function loadSystemCalls(): Promise<SystemCalls> {
  const { default: koffi } = (await import(PACKAGE)) as { default: Koffi };
  const libc = koffi.load(null);
  const msghdr = koffi.struct({
    ...{ name: 'void *', nameLength: 'uint32_t' },
    ...{ parts: 'void *', partCount: 'size_t' },
    ...{ control: 'void *', controlLength: 'size_t', flags: 'int' },
  });
  const getsockopt = libc.func('int getsockopt(int, int, int, void *, void *)');
  const setsockopt = libc.func('int setsockopt(int, int, int, void *, uint32_t)');
  const getsockname = libc.func('int getsockname(int, void *, void *)');
  const socket = libc.func('int socket(int, int, int)');
  const bind = libc.func('int bind(int, void *, uint32_t)');
  const connect = libc.func('int connect(int, void *, uint32_t)');
  const recvmsg = libc.func('recvmsg', 'intptr_t', ['int', koffi.inout(koffi.pointer(msghdr)), 'int']);
  const close = libc.func('int close(int)');
  /** The length of a buffer on its way in, of what the kernel filled on its way out. */
  const length = new Uint32Array(1);
  const result = (returned: number): number => (returned < 0 ? -koffi.errno() : returned);
  const filling = (buffer: Uint8Array, call: () => number): number => {
    length[0] = buffer.length;
    const returned = result(call());
    return returned < 0 ? returned : Math.min(length[0], buffer.length);
  };
  return {
    getOption: (descriptor, { level, name }, value) =>
      filling(value, () => getsockopt(descriptor, level, name, value, length)),
    setOption: (descriptor, { level, name }, value) =>
      result(setsockopt(descriptor, level, name, value, value.length)),
    localAddress: (descriptor, address) => filling(address, () => getsockname(descriptor, address, length)),
    socket: (family, type) => result(socket(family, type, 0)),
    bind: (descriptor, address) => result(bind(descriptor, address, address.length)),
    connect: (descriptor, address) => result(connect(descriptor, address, address.length)),
    receiveControl: (descriptor, control, flags) => {
      const message = {
        ...{ name: null, nameLength: 0, parts: null, partCount: 0 },
        ...{ control, controlLength: control.length, flags: 0 },
      };
      const returned = result(recvmsg(descriptor, message, flags));
      return returned < 0 ? returned : Math.min(message.controlLength, control.length);
    },
    close: (descriptor) => result(close(descriptor)),
    wordBytes: koffi.sizeof('size_t'),
  };
}
