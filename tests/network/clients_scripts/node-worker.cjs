const { Worker, isMainThread, workerData } = require('worker_threads');

if (isMainThread) {
  new Worker(__filename, { workerData: process.argv.slice(2) });
} else {
  const [plain, secure, , forbidden] = workerData;
  const ask = (name, url) =>
    fetch(url)
      .then(async (answer) => `${answer.ok ? '' : `${answer.status} `}${await answer.text()}`)
      .catch((error) => `${error.message}; ${error.cause?.message}`)
      .then((text) => console.log(`${name}: ${text.trim()}`));
  (async () => {
    await ask('http', `${plain}/text`);
    await ask('https', `${secure}/text`);
    await ask('forbidden', `http://${forbidden}/`);
  })();
}
