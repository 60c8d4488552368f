// Adds numbers.
const fs = require('fs');

const input = JSON.parse(fs.readFileSync(0, 'utf8'));
const { operation, precision = 2, options: { round } = {} } = input;
const label = input.label ?? 'sum';
if (!operation || input.values === undefined) {
  console.error('operation and values are needed');
  process.exit(1);
}
const sum = input.values.map(Number).reduce((a, b) => a + b, 0) * Number(input.factor || 1);
switch (operation) {
  case 'sum':
  case 'mean':
    break;
  default:
    throw new Error('unknown operation');
}
console.log(JSON.stringify({ operation, sum, precision, label, round: round ?? null }));
