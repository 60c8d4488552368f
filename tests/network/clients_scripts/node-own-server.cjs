const http = require('http');

const server = http.createServer((request, answer) => answer.end('mine')).listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  for (const host of ['127.0.0.1', 'localhost']) {
    console.log(`fetch ${host}: ${await (await fetch(`http://${host}:${port}/`)).text()}`);
    const text = await new Promise((done) => http.get(`http://${host}:${port}/`, (answer) => answer.on('data', done)));
    console.log(`http ${host}: ${text}`);
  }
  process.exit();
});
