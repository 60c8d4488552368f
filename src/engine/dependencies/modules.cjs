// Lets `import` find the packages of NODE_PATH, as `require` does: in a file tree that is the host's, no folder of packages
// can be put above a script.
'use strict';
(() => {
  const folder = process.env.NODE_PATH;
  const { register, registerHooks } = require('module');
  // A module beside the folder sees what is in it.
  const parentURL = require('url').pathToFileURL(require('path').join(folder, '..', 'environment.js')).href;
  const isElsewhere = (specifier, error) => error.code === 'ERR_MODULE_NOT_FOUND' && !/^(?:[./]|[a-z]+:)/.test(specifier);
  if (registerHooks) {
    return registerHooks({
      resolve(specifier, context, next) {
        try {
          return next(specifier, context);
        } catch (error) {
          if (!isElsewhere(specifier, error)) throw error;
          return next(specifier, { ...context, parentURL });
        }
      },
    });
  }
  const source = `const isElsewhere = ${isElsewhere};
    export async function resolve(specifier, context, next) {
      try {
        return await next(specifier, context);
      } catch (error) {
        if (!isElsewhere(specifier, error)) throw error;
        return next(specifier, { ...context, parentURL: ${JSON.stringify(parentURL)} });
      }
    }`;
  if (register) register(`data:text/javascript,${encodeURIComponent(source)}`);
})();
