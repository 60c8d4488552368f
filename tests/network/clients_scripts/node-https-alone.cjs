// The module for TLS before that for plain HTTP, classes of agents of the script's own, and no fetch.
const https = require('https');
const { inherits } = require('util');
const [plain, secure] = process.argv.slice(2);

class Modern extends https.Agent {}
function Old(options) {
  https.Agent.call(this, options);
}
inherits(Old, https.Agent);

const get = (name, module, url, options) =>
  new Promise((done) => {
    module.get(url, options, (answer) => {
      answer.on('data', (part) => console.log(`${name}: ${part}`));
      answer.on('end', done);
    }).on('error', (error) => done(console.log(`${name}: ${error.code} ${error.message}`)));
  });

(async () => {
  await get('global agent', https, `${secure}/text`, {});
  await get('class', https, `${secure}/text`, { agent: new Modern() });
  await get('inherits', https, `${secure}/text`, { agent: new Old() });
  await get('http after it', require('http'), `${plain}/text`, {});
})();
