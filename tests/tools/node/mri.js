const mri = require('mri');

const flags = mri(process.argv.slice(2), { boolean: ['watch'], string: ['port'], alias: { port: ['P'] }, default: { host: 'localhost' } });
const { watch, port, host, _: files } = flags;
console.log(JSON.stringify({ watch: watch ?? false, port, host, files: files.map(String) }));
