import { describe, expect, test } from 'vitest';
import { formatListenAddress, parseHostPort, parseListenAddress } from '../../src/config/listen-address.js';

describe('parseListenAddress()', () => {
  test.each([
    [':15382', { port: 15_382 }],
    [':0', { port: 0 }],
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
  ])('reads %s and writes it again', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
    expect(formatListenAddress(address)).toBe(text);
  });

  test.each([
    ['15382', 'listen address must be [HOST]:PORT with IPv6 addresses in brackets, found "15382"'],
    ['::1:80', 'listen address must be [HOST]:PORT with IPv6 addresses in brackets, found "::1:80"'],
    [':', 'listen address must end with a port from 0 to 65535, found ":"'],
    [':65536', 'listen address must end with a port from 0 to 65535, found ":65536"'],
    [':http', 'listen address must end with a port from 0 to 65535, found ":http"'],
    ['[127.0.0.1]:80', 'listen address must have an IPv6 address in brackets, found "[127.0.0.1]:80"'],
    ['a b:80', 'listen address must have a host name or an IP address, found "a b:80"'],
    ['300.1.1.1:80', 'listen address must have a host name or an IP address, found "300.1.1.1:80"'],
  ])('refuses %s', (text, message) => {
    expect(() => parseListenAddress(text)).toThrow(message);
  });
});

describe('parseHostPort()', () => {
  test.each([
    ['responder.example', { host: 'responder.example' }],
    ['responder.example:5383', { host: 'responder.example', port: 5383 }],
    ['192.0.2.1:1', { host: '192.0.2.1', port: 1 }],
    ['2001:db8::1', { host: '2001:db8::1' }],
    ['2001:db8::1234', { host: '2001:db8::1234' }],
    ['2001:db8::1:beef', { host: '2001:db8::1:beef' }],
    ['2001:db8:0:0:0:0:1:443', { host: '2001:db8:0:0:0:0:1:443' }],
    ['[2001:db8::1]', { host: '2001:db8::1' }],
    ['[2001:db8::1]:5383', { host: '2001:db8::1', port: 5383 }],
  ])('reads %s', (text, expected) => {
    expect(parseHostPort(text)).toEqual(expected);
  });

  test.each([
    ['host:0', 'port must be a number from 1 to 65535, found "host:0"'],
    ['host:', 'port must be a number from 1 to 65535, found "host:"'],
    [':5382', 'host must be a host name, an IPv4 address or an IPv6 address, found ":5382"'],
    ['', 'host must be a host name, an IPv4 address or an IPv6 address, found ""'],
    [
      '2001:db8::1:5382',
      'an IPv6 address stands in brackets: write [2001:db8::1]:5382, or [2001:db8::1:5382] without a port, found "2001:db8::1:5382"',
    ],
    [
      '2001:db8:0:0:0:0:0:1:5382',
      'an IPv6 address stands in brackets: write [2001:db8:0:0:0:0:0:1]:5382, found "2001:db8:0:0:0:0:0:1:5382"',
    ],
    ['[host]:1', 'host must have an IPv6 address in brackets, found "[host]:1"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseHostPort(text)).toThrow(message);
  });
});
