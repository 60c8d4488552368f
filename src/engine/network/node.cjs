// Leads Node's fetch, http and https to the proxy of HTTPS_PROXY, through tunnels. Node's own NODE_USE_ENV_PROXY is in some
// versions only, leaves out agents that a script makes, hides the proxy's reason, and costs 40 ms at every start. Starts
// pay for what is loaded here too, so nothing is, until something is asked for.
'use strict';
(() => {
  const address = process.env.HTTPS_PROXY || process.env.HTTP_PROXY;
  if (!address) return;
  // What follows leans on two inner matters of Node, found the same in 18 to 26.
  if (parseInt(process.versions.node, 10) > 26) return require('http').setGlobalProxyFromEnv();
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

  // Agents of http get their createConnection by an assignment when that module is loaded, and later those of https,
  // which inherit from them. A property of that name above each sees the assignment without loading either.
  const define = (object, value) =>
    Object.defineProperty(object, 'createConnection', { value, writable: true, enumerable: true, configurable: true });
  const watch = (object, value) =>
    Object.defineProperty(object, 'createConnection', { get: () => value, set, enumerable: !!value, configurable: true });
  function set(plain) {
    const isFirst = Object.hasOwn(this, 'constructor') && !Object.hasOwn(this, 'createConnection');
    if (!isFirst || typeof plain !== 'function') return define(this, plain);
    const prototype = this;
    watch(prototype, function createConnection(options, done) {
      // Whose prototype it is can be asked only now, when its module has been loaded.
      const isHttp = prototype === require('http').Agent.prototype;
      const isAgent = isHttp || prototype === require('https').Agent.prototype;
      const isUsual = typeof options === 'object' && typeof done === 'function';
      const isOther = !isAgent || !isUsual || options.socketPath || this.options?.proxyEnv;
      if (isOther || direct.has(hostOf(options))) return plain.apply(this, arguments);
      tunnel(options, isHttp ? 80 : 443, (error, socket) => {
        if (error) return done(error);
        done(null, isHttp ? socket : plain.call(this, { ...options, path: undefined, socket }));
      });
    });
  }
  watch(require('events').prototype, undefined);

  // The dispatcher of the built-in fetch comes with its first use; one of the same class takes its place.
  const connect = (options, done) => {
    const isSecure = options.protocol === 'https:';
    tunnel(options, isSecure ? 443 : 80, (error, socket) => {
      if (error || !isSecure) return done(error, socket);
      const host = hostOf(options);
      const servername = options.servername || (require('net').isIP(host) ? '' : host);
      const protocols = { ALPNProtocols: ['http/1.1'] };
      const secure = require('tls').connect({ ...protocols, ...options, path: undefined, host, servername, socket });
      secure.once('error', done);
      secure.once('secureConnect', () => {
        secure.removeListener('error', done);
        done(null, secure);
      });
    });
  };
  const install = () => {
    void globalThis.Request;
    const keys = [2, 1].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));
    const key = keys.find((key) => globalThis[key]);
    const straight = globalThis[key];
    // Not where the script has chosen another.
    if (straight?.constructor.name !== 'Agent') return;
    const through = new straight.constructor({ connect });
    const dispatch = through.dispatch.bind(through);
    through.dispatch = (options, handler) => {
      const isDirect = direct.has(bare(new URL(options.origin).hostname));
      return isDirect ? straight.dispatch(options, handler) : dispatch(options, handler);
    };
    globalThis[key] = through;
  };
  const plain = globalThis.fetch;
  let isInstalled = false;
  globalThis.fetch = function fetch(input, init) {
    if (!isInstalled) install();
    isInstalled = true;
    return plain.call(this, input, init);
  };
})();
