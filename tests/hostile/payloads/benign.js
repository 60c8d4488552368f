// As benign.py, in Node.
const fs = require("fs");
const { execSync } = require("child_process");
console.log("BEGIN B2");
if (execSync("echo hello").toString() !== "hello\n") throw new Error("no child");
fs.mkdirSync("results/deep", { recursive: true });
fs.writeFileSync("results/deep/answer.txt", "forty-two");
console.log("ANSWER 42");
console.log("END B2");
