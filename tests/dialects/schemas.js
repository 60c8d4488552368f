// Compiles every schema of a JSON file [{name, schema}] as JSON Schema 2020-12 and prints those that are none.
"use strict";
const [, , modules, file] = process.argv;
const Ajv = require(require.resolve("ajv/dist/2020", { paths: [modules] }));
const schemas = JSON.parse(require("fs").readFileSync(file, "utf8"));
const quiet = { log() {}, warn() {}, error() {} };
const wrong = [];
for (const { name, schema } of schemas) {
  // One judge for each: schemas share no names. Formats only annotate.
  const ajv = new Ajv({ strictSchema: false, strictTypes: false, validateFormats: false, logger: quiet });
  try {
    ajv.compile(schema);
  } catch (error) {
    wrong.push(`${name}: ${error.message}`);
  }
}
console.log(JSON.stringify({ judged: schemas.length, wrong }));
