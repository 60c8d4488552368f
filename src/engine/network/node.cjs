// Leads Node's fetch, http and https to the proxy of HTTPS_PROXY, through tunnels. Versions that know NODE_USE_ENV_PROXY
// (22.21, 24.5) do it by themselves, and this file then does nothing. Every start of Node pays for what is loaded here, so
// nothing is, until something is asked for.
'use strict';
(() => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)) return;
  const address = process.env.HTTPS_PROXY || process.env.HTTP_PROXY;
  if (!address) return;
  const direct = new Set((process.env.NO_PROXY || '').split(',').map((name) => name.trim()));
  // An IPv6 address stands in brackets in URLs and in the request for a tunnel, and nowhere else.
  const bare = (host) => host.replace(/^\[|\]$/g, '');
  const hostOf = (options) => bare(options.hostname || options.host || 'localhost');

  // Calls `done` with a connection to the host of `options`, or with an error that has the proxy's reason.
  const tunnel = (options, port, done) => {
    const proxy = new URL(address);
    const host = hostOf(options);
    const authority = `${host.includes(':') ? `[${host}]` : host}:${options.port || port}`;
    const headers = { Host: authority };
    if (proxy.username) {
      const user = decodeURIComponent(`${proxy.username}:${proxy.password}`);
      headers['Proxy-Authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
    }
    const request = require('http').request({
      method: 'CONNECT',
      path: authority,
      headers,
      createConnection: () => require('net').connect(Number(proxy.port || 80), bare(proxy.hostname)),
    });
    request.once('error', done);
    request.once('connect', (response, socket, head) => {
      if (response.statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        return done(null, socket);
      }
      let reason = head.toString();
      socket.on('data', (part) => (reason += part));
      socket.on('error', () => {});
      socket.once('close', () => {
        const error = new Error(`the proxy answered ${response.statusCode}: ${reason.trim()}`);
        done(Object.assign(error, { code: 'ERR_PROXY_TUNNEL' }));
      });
    });
    request.end();
  };

  // An agent's createConnection that goes through a tunnel; `finish` makes its connection of the tunnel's.
  const tunnelled = (plain, port, finish) =>
    function createConnection(options, done) {
      const isOther = typeof options !== 'object' || typeof done !== 'function' || options.socketPath;
      if (isOther || direct.has(hostOf(options))) return plain.apply(this, arguments);
      tunnel(options, port, (error, socket) => (error ? done(error) : done(null, finish.call(this, options, socket))));
    };

  // Agents of http get their createConnection by an assignment when that module is loaded, and later those of https,
  // which inherit from them. A property of that name above each sees the assignment without loading either.
  const define = (object, value) =>
    Object.defineProperty(object, 'createConnection', { value, writable: true, enumerable: true, configurable: true });
  const watch = (above, get, set) =>
    Object.defineProperty(above, 'createConnection', { get, set, enumerable: above !== emitter, configurable: true });
  const emitter = require('events').prototype;
  watch(emitter, () => undefined, function (value) {
    if (value !== require('net').connect) return define(this, value);
    delete emitter.createConnection;
    const agent = this;
    const ofHttp = tunnelled(value, 80, (_, socket) => socket);
    watch(agent, () => ofHttp, function (value) {
      if (this === agent || !Object.hasOwn(this, 'constructor')) return define(this, value);
      // Perhaps that of another class of agents: known when https has been loaded.
      const ofHttps = tunnelled(value, 443, function (options, socket) {
        return value.call(this, { ...options, path: undefined, socket });
      });
      const below = this;
      define(below, function createConnection() {
        const isHttps = below === require('https').Agent.prototype;
        return (isHttps ? ofHttps : value).apply(this, arguments);
      });
    });
  });

  // The dispatcher of the built-in fetch comes with its first use; one of the same class takes its place.
  const key = Symbol.for('undici.globalDispatcher.1');
  const connect = (options, done) => {
    const isSecure = options.protocol === 'https:';
    tunnel(options, isSecure ? 443 : 80, (error, socket) => {
      if (error || !isSecure) return done(error, socket);
      const host = hostOf(options);
      const servername = options.servername || (require('net').isIP(host) ? '' : host);
      const secure = require('tls').connect({ ALPNProtocols: ['http/1.1'], ...options, path: undefined, host, servername, socket });
      secure.once('error', done);
      secure.once('secureConnect', () => {
        secure.removeListener('error', done);
        done(null, secure);
      });
    });
  };
  const plain = globalThis.fetch;
  let isReady = false;
  globalThis.fetch = function fetch(input, init) {
    if (!isReady) {
      isReady = true;
      void globalThis.Request;
      const straight = globalThis[key];
      // Not where the script has chosen another.
      if (straight?.constructor.name === 'Agent') {
        const through = new straight.constructor({ connect });
        globalThis[key] = Object.assign(Object.create(through), {
          dispatch: (options, handler) =>
            (direct.has(bare(new URL(options.origin).hostname)) ? straight : through).dispatch(options, handler),
        });
      }
    }
    return plain.call(this, input, init);
  };
})();
