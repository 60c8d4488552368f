// Greets.
function read() {
  return new Promise((resolve) => {
    let data = '';
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (chunk) => {
      data += chunk;
    });
    process.stdin.on('end', () => resolve(data));
  });
}

async function main() {
  const request = JSON.parse(await read());
  if (typeof request.name !== 'string') throw new Error('name is needed');
  console.log(JSON.stringify({ greeting: `Hello ${request.name.trim()}`, loud: request.loud || false }));
}

main();
