/* The README's programs run as they are written. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import test from 'node:test';

import { PACKAGE, SKILLS, program } from './support.mjs';

const README = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
const PROGRAMS = [...README.matchAll(/```js\n([^]*?)```/g)].map((match) => match[1]);
const RESPONSE = {
    choices: [
        {
            message: {
                role: 'assistant',
                tool_calls: [
                    {
                        id: 'a',
                        type: 'function',
                        function: { name: 'calculator', arguments: '{"operation":"multiply","a":15,"b":27}' },
                    },
                ],
            },
            finish_reason: 'tool_calls',
        },
    ],
};
const run = (code) => program(`process.chdir(${JSON.stringify(dirname(SKILLS))});\n${code}`);

test('the quick start has at most 15 lines, and gives 405', async () => {
    const [start] = PROGRAMS;
    assert.ok(start.trim().split('\n').length <= 15);
    const ended = await run(
        `const response = ${JSON.stringify(RESPONSE)};\n${start}\nconsole.log(messages[0].content, tools.length);`,
    );
    assert.equal(ended.stderr, '');
    assert.match(ended.stdout, /^405 (full|namespaces|landlock)\n\{.*405.*\} 5\n$/);
});

test('the agent talks to a server', async () => {
    const agent = PROGRAMS.find((text) => text.includes('new Agent'));
    const says = [RESPONSE, { choices: [{ message: { role: 'assistant', content: 'It is 405.' }, finish_reason: 'stop' }] }];
    const server = createServer((request, response) => {
        request.resume().on('end', () => response.end(JSON.stringify(says.shift())));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const given = `import { Engine } from 'skilllite';
const engine = await Engine.open('skills');
const { signal } = new AbortController();
const [BASE_URL, headers] = ['http://127.0.0.1:${server.address().port}', {}];\n`;
    const ended = await run(`${given}${agent}\nagent.close();\nawait engine.close();`);
    server.closeAllConnections();
    server.close();
    assert.deepEqual([ended.stdout, ended.stderr], ['It is 405.\n', '']);
});

test('the AI SDK', async () => {
    const ai = PROGRAMS.find((text) => text.includes('skilllite/ai'));
    const given = `import { Engine } from 'skilllite';
import { MockLanguageModelV3 } from 'ai/test';
const engine = await Engine.open('skills');
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const says = [
    { content: [{ type: 'tool-call', toolCallId: 'a', toolName: 'calculator', input: '{"operation":"multiply","a":15,"b":27}' }], finishReason: { unified: 'tool-calls' }, usage, warnings: [] },
    { content: [{ type: 'text', text: 'It is 405.' }], finishReason: { unified: 'stop' }, usage, warnings: [] },
];
const model = new MockLanguageModelV3({ doGenerate: async () => says.shift() });
const prompt = 'What is 15 times 27?';\n`;
    const ended = await run(`${given}${ai}\nconsole.log(text);\nawait engine.close();`);
    assert.deepEqual([ended.stdout, ended.stderr], ['It is 405.\n', '']);
});
