// Counts words.
const chunks = [];
const upper = process.argv.includes('--upper');
(async () => {
  for await (const chunk of process.stdin) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  console.log(JSON.stringify({ stdin: upper ? text.toUpperCase() : text, upper }));
})();
