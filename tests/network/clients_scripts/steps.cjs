// What the scripts for Node do, with the modules that they got in their own ways.
'use strict';
const { createHash } = require('crypto');

const reason = (error) => {
  const texts = [];
  for (let at = error; at; at = at.cause) texts.push(`${at.code ?? ''} ${at.message}`.trim());
  return texts.join('; ');
};

exports.run = async ({ http, https }, [plain, secure, unknown, forbidden]) => {
  const ask = async (name, call) => {
    const value = await call().catch((error) => reason(error));
    console.log(`${name}: ${String(value).trim().replaceAll('\n', ' ')}`);
  };
  const fetched = async (url, options) => {
    const answer = await fetch(url, options);
    return answer.ok ? answer.text() : `${answer.status} ${await answer.text()}`;
  };
  const digest = async (url) => {
    const [hash, answer] = [createHash('sha256'), await fetch(url)];
    let length = 0;
    for await (const part of answer.body) {
      hash.update(part);
      length += part.length;
    }
    return `${length} ${hash.digest('hex').slice(0, 16)}`;
  };
  // The body of an answer of http or https.
  const got = (url, options = {}, body = undefined) =>
    new Promise((done, failed) => {
      const request = (url.startsWith('https') ? https : http).request(url, options, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => (text += part));
        answer.on('end', () => done(answer.statusCode === 200 ? text : `${answer.statusCode} ${text}`));
      });
      request.on('error', failed);
      request.end(body);
    });

  for (const [scheme, base, module] of [['http', plain, http], ['https', secure, https]]) {
    await ask(`fetch ${scheme} text`, () => fetched(`${base}/text`));
    await ask(`fetch ${scheme} localhost`, () => fetched(`${base.replace('127.0.0.1', 'localhost')}/text`));
    await ask(`fetch ${scheme} echo`, () => fetched(`${base}/echo`, { method: 'POST', body: 'ping' }));
    await ask(`fetch ${scheme} redirect`, () => fetched(`${base}/redirect`));
    await ask(`fetch ${scheme} chunked`, async () => (await fetched(`${base}/chunked`)).length);
    await ask(`fetch ${scheme} big`, () => digest(`${base}/big`));
    await ask(`fetch ${scheme} away`, () => fetched(`${base}/away`));
    await ask(`fetch ${scheme} parallel`, async () => {
      const texts = await Promise.all(Array.from({ length: 20 }, () => fetched(`${base}/text`)));
      return texts.filter((text) => text === 'hello').length;
    });
    await ask(`${scheme} get`, () => got(`${base}/text`));
    await ask(`${scheme} localhost`, () => got(`${base.replace('127.0.0.1', 'localhost')}/text`));
    await ask(`${scheme} post`, () => got(`${base}/echo`, { method: 'POST' }, 'ping'));
    await ask(`${scheme} without an agent`, () => got(`${base}/text`, { agent: false }));
    const agent = new module.Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set();
    agent.on('free', (socket) => sockets.add(socket));
    for (const number of [0, 1, 2]) await ask(`${scheme} agent ${number}`, () => got(`${base}/text`, { agent }));
    console.log(`${scheme} sockets: ${sockets.size}`);
    agent.destroy();
  }
  await ask('fetch http forbidden', () => fetched(`http://${forbidden}/`));
  await ask('fetch https forbidden', () => fetched(`https://${forbidden}/`));
  await ask('http forbidden', () => got(`http://${forbidden}/`));
  await ask('https forbidden', () => got(`https://${forbidden}/`));
  await ask('fetch unknown authority', () => fetched(`${unknown}/text`));
  await ask('https unknown authority', () => got(`${unknown}/text`));
};
