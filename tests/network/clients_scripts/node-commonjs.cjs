const http = require('http');
const https = require('https');
require('../steps.cjs').run({ http, https }, process.argv.slice(2));
