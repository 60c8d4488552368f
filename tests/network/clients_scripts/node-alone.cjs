// What a start of Node with the proxy's variables has loaded and changed before a script asks for anything.
const { EventEmitter } = require('events');
const loaded = ['net', 'http', 'https', 'tls', 'internal/deps/undici/undici'].filter((name) =>
  process.moduleLoadList.includes(`NativeModule ${name}`),
);
console.log(`loaded: ${loaded}`);
console.log(`options: ${process.env.NODE_OPTIONS}`);
console.log(`watching: ${'createConnection' in EventEmitter.prototype}`);
