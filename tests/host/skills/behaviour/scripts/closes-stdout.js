#!/usr/bin/env node
const fs = require("fs");
fs.writeSync(1, "before");
fs.closeSync(1);
fs.writeSync(2, "after");
