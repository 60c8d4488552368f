/* The tools in the Vercel AI SDK, driven by its own mock model. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';

import { generateText, stepCountIs } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { forModel, tools } from 'skilllite/ai';
import { MULTIPLY, everyHandleIsFreed, folder, live, open, sleeper, writeSkill } from './support.mjs';

everyHandleIsFreed();

const USAGE = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const say = (text) => ({ content: [{ type: 'text', text }], finishReason: { unified: 'stop' }, usage: USAGE, warnings: [] });
const ask = (...calls) => ({
    content: calls.map(([toolName, input], index) => ({
        type: 'tool-call',
        toolCallId: `call_${index + 1}`,
        toolName,
        input: JSON.stringify(input),
    })),
    finishReason: { unified: 'tool-calls' },
    usage: USAGE,
    warnings: [],
});

/** A model that gives these answers, one after the other. */
function model(...answers) {
    return new MockLanguageModelV3({ doGenerate: async () => answers.shift() });
}

const generate = (engine, mock, more = {}) =>
    generateText({ model: mock, tools: tools(engine, more.options), prompt: 'Go on.', stopWhen: stepCountIs(5), ...more });

test('a loop with two calls', async () => {
    const engine = await open();
    const mock = model(
        ask(['calculator', MULTIPLY], ['text-processor', { text: 'grüß dich', operation: 'upper' }]),
        say('It is 405.'),
    );
    const { text, steps } = await generate(engine, mock);
    assert.equal(text, 'It is 405.');
    const [calculated, processed] = steps[0].toolResults;
    assert.equal(calculated.output.output.result, 405);
    assert.equal(calculated.output.call_id, 'call_1');
    assert.ok(calculated.output.usage.wall_ms > 0);
    assert.equal(processed.output.output.processed, 'GRÜSS DICH');
    // What the model got: definitions as the library makes them, and the part of a result that helps it.
    const [first, second] = mock.doGenerateCalls;
    const expected = engine.tools('mcp').find(({ name }) => name === 'calculator');
    const given = first.tools.find(({ name }) => name === 'calculator');
    assert.deepEqual([given.description, given.inputSchema], [expected.description, expected.inputSchema]);
    const [part] = second.prompt.at(-1).content;
    assert.deepEqual(part.output, { type: 'json', value: { status: 'ok', exit_code: 0, output: { ...MULTIPLY, result: 405 } } });
});

test('what the library refuses, the model hears of', async () => {
    const engine = await open();
    const mock = model(ask(['calculator', { operation: 'multiply', a: 'x', b: 1 }]), ask(['calculator', MULTIPLY]), say('405'));
    const { text, steps } = await generate(engine, mock);
    assert.equal(text, '405');
    assert.equal(steps[0].content.at(-1).type, 'tool-error');
    assert.match(mock.doGenerateCalls[1].prompt.at(-1).content[0].output.value, /\/a/);
});

test('aborting the request cancels the calls', async () => {
    const engine = await sleeper();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 150);
    await assert.rejects(generate(engine, model(ask(['sleeper', {}]), say('x')), { abortSignal: controller.signal }));
    assert.deepEqual(live(), { engine: 1 });
});

test('options for each call', async () => {
    const engine = await sleeper();
    for (const options of [{ timeoutMs: 100 }, (tool) => (tool === 'sleeper' ? { timeoutMs: 100 } : undefined)]) {
        const { steps } = await generate(engine, model(ask(['sleeper', {}]), say('x')), { options });
        assert.equal(steps[0].toolResults[0].output.status, 'timeout');
    }
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const own = generate(engine, model(ask(['sleeper', {}]), say('x')), {
        options: { signal: controller.signal },
        abortSignal: AbortSignal.timeout(60_000),
    });
    assert.equal((await own).steps[0].content.at(-1).type, 'tool-error');
});

test('version 5 of the SDK gives the output itself to toModelOutput', async () => {
    const engine = await open();
    const [definition, result] = [tools(engine).calculator, await engine.execute('calculator', MULTIPLY)];
    assert.deepEqual(definition.toModelOutput(result), definition.toModelOutput({ toolCallId: 'a', input: {}, output: result }));
});

for (const [name, script] of Object.entries({
    JSON: 'print(\'{"a": 1}\')\n',
    'text and errors': "import sys\nprint('half')\nsys.exit('no way')\n",
    files: "open('a.txt', 'w').write('x')\nimport os\nos.symlink('/', 'b')\n",
    much: "print('x' * 3_000_000)\n",
    'a signal': 'import os\nos.kill(os.getpid(), 9)\n',
})) {
    test(`the model is told what Engine.handle tells it: ${name}`, async () => {
        const engine = await open(writeSkill('tell', script));
        const call = { id: 'a', type: 'function', function: { name: 'tell', arguments: '{}' } };
        const [message] = await engine.handle('openai', { choices: [{ message: { role: 'assistant', tool_calls: [call] } }] });
        const told = JSON.parse(message.content.replace(/^Error: /, ''));
        assert.deepEqual(forModel(await engine.execute('tell')), told);
    });
}

test('the entry for require is the same', () => {
    const required = createRequire(import.meta.url)('skilllite/ai');
    assert.equal(required.tools, tools);
    assert.ok(folder);
});
