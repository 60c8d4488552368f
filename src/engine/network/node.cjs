// Leads Node's fetch, http and https to the proxy of HTTP_PROXY. Versions that know NODE_USE_ENV_PROXY (22.21, 24.5) do
// it by themselves, and this file then does nothing.
'use strict';
(() => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)) return;
  const address = process.env.HTTPS_PROXY || process.env.HTTP_PROXY;
  if (!address) return;
  const proxy = new URL(address);
  const direct = new Set((process.env.NO_PROXY || '').split(',').filter(Boolean));
  const authorization = proxy.username
    ? { 'Proxy-Authorization': 'Basic ' + Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64') }
    : {};

  // A tunnel to host:port, in clear or in TLS.
  const tunnel = (options, isSecure, done) => {
    const http = require('http');
    const host = options.hostname || options.host || 'localhost';
    const port = options.port || (isSecure ? 443 : 80);
    const authority = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
    const request = http.request({
      host: proxy.hostname,
      port: proxy.port,
      method: 'CONNECT',
      path: authority,
      headers: { Host: authority, ...authorization },
      agent: new http.Agent(),
    });
    request.once('error', (error) => done(error));
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) {
        if (!isSecure) return done(null, socket);
        const bare = host.replace(/^\[|\]$/g, '');
        const servername = options.servername || (require('net').isIP(bare) ? '' : bare);
        const secure = require('tls').connect({ ...options, path: undefined, socket, servername });
        const failed = (error) => done(error);
        secure.once('error', failed);
        secure.once('secureConnect', () => {
          secure.removeListener('error', failed);
          done(null, secure);
        });
        return;
      }
      let body = '';
      socket.on('data', (part) => (body += part));
      socket.once('close', () =>
        done(Object.assign(new Error(`proxy: ${response.statusCode} ${body.trim()}`), { code: 'ERR_PROXY_TUNNEL' })));
    });
    request.end();
  };

  for (const [name, isSecure] of [['http', false], ['https', true]]) {
    const { Agent } = require(name);
    const connect = Agent.prototype.createConnection;
    Agent.prototype.createConnection = function (options, done) {
      const host = options.hostname || options.host || 'localhost';
      const isOwn = options.socketPath || (host === proxy.hostname && String(options.port) === proxy.port);
      if (isOwn || direct.has(host)) return connect.call(this, options, done);
      tunnel(options, isSecure, done);
    };
  }

  // The dispatcher of the built-in fetch comes with its first use; a new one of its class takes its place.
  const plain = globalThis.fetch;
  const key = Symbol.for('undici.globalDispatcher.1');
  let isReady = false;
  globalThis.fetch = function fetch(input, init) {
    if (!isReady) {
      isReady = true;
      void globalThis.Request;
      const Agent = globalThis[key] && globalThis[key].constructor;
      if (Agent) {
        const through = new Agent({
          connect: (options, done) => tunnel(options, options.protocol === 'https:', done),
        });
        const straight = globalThis[key];
        globalThis[key] = Object.assign(Object.create(through), {
          dispatch: (options, handler) => {
            const host = new URL(options.origin).hostname;
            return (direct.has(host) ? straight : through).dispatch(options, handler);
          },
        });
      }
    }
    return plain.call(this, input, init);
  };
})();
