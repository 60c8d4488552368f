import http from 'node:http';
import https from 'node:https';
import steps from '../steps.cjs';

await steps.run({ http, https }, process.argv.slice(2));
