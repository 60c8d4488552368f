/* The same module for `import`: one implementation, so that both kinds of importers see the same classes. */
export * from './index.js';
