/* An LLM's response in, whole or streamed, the messages for the next request out. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { ResponseStream } from 'skilllite';
import { eventually, everyHandleIsFreed, footprint, live, open, sleeper, writeSkill } from './support.mjs';

everyHandleIsFreed();

const asked = (...calls) => ({
    choices: [
        {
            index: 0,
            finish_reason: 'tool_calls',
            message: {
                role: 'assistant',
                content: null,
                tool_calls: calls.map(([name, args], index) => ({
                    id: `call_${index + 1}`,
                    type: 'function',
                    function: { name, arguments: args },
                })),
            },
        },
    ],
});
const RESPONSE = asked(
    ['calculator', '{"operation":"multiply","a":15,"b":27}'],
    ['text-processor', '{"text":"grüß dich","operation":"upper"}'],
    ['calculator', '{"operation":'],
    ['teleport', '{}'],
    ['calculator', '{"a": "x"}'],
);

for (const [name, response] of Object.entries({ object: RESPONSE, text: JSON.stringify(RESPONSE) })) {
    test(`every call is answered in order: ${name}`, async () => {
        const engine = await open();
        const messages = await engine.handle('openai', response);
        assert.deepEqual(
            messages.map(({ tool_call_id }) => tool_call_id),
            [1, 2, 3, 4, 5].map((number) => `call_${number}`),
        );
        const contents = messages.map(({ content }) => content);
        assert.equal(JSON.parse(contents[0]).output.result, 405);
        assert.equal(JSON.parse(contents[1]).output.processed, 'GRÜSS DICH');
        assert.match(contents[2], /JSON/);
        assert.match(contents[3], /teleport.*calculator/);
        assert.match(contents[4], /\/a/);
    });
}

test('a response without calls', async () => {
    const engine = await open();
    assert.deepEqual(
        await engine.handle('openai', { choices: [{ message: { role: 'assistant', content: '405.' }, finish_reason: 'stop' }] }),
        [],
    );
});

for (const [name, dialect, response, options, code] of [
    ['no response', 'openai', {}, undefined, 'SKL_ERR_INVALID_RESPONSE'],
    ['no JSON', 'openai', 'x', undefined, 'SKL_ERR_INVALID_JSON'],
    ['no dialect', 'klingon', RESPONSE, undefined, 'SKL_ERR_UNKNOWN_DIALECT'],
    ['an option that is none', 'openai', RESPONSE, { colour: 1 }, 'SKL_ERR_INVALID_CONFIG'],
]) {
    test(`refused: ${name}`, async () => {
        const engine = await open();
        await assert.rejects(engine.handle(dialect, response, options), { name: 'SkillliteError', code });
    });
}

test('the timeout holds for each call', async () => {
    const engine = await sleeper();
    const messages = await engine.handle('openai', asked(['sleeper', '{}'], ['sleeper', '{}']), { timeoutMs: 200 });
    assert.deepEqual(
        messages.map(({ tool_call_id }) => tool_call_id),
        ['call_1', 'call_2'],
    );
    for (const { content } of messages) assert.match(content, /"status":"timeout"/);
});

test('forty responses at once, more than there are workers, and then few threads', async () => {
    const engine = await open(writeSkill('hello', "print('hello')\n"));
    await engine.handle('openai', asked(['hello', '{}']));
    const before = footprint();
    const all = await Promise.all(Array.from({ length: 40 }, () => engine.handle('openai', asked(['hello', '{}']))));
    for (const [message] of all) assert.equal(JSON.parse(message.content).text, 'hello\n');
    // Two workers stay for the next response.
    await eventually(
        () => footprint().threads <= before.threads + 1,
        () => JSON.stringify([before, footprint()]),
    );
});

test('an abort ends the waiting, and closing ends the calls', async () => {
    const engine = await sleeper();
    await assert.rejects(engine.handle('openai', asked(['sleeper', '{}']), { signal: AbortSignal.abort() }), {
        name: 'AbortError',
    });
    const controller = new AbortController();
    const handling = engine.handle('openai', asked(['sleeper', '{}']), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await assert.rejects(handling, { message: 'enough' });
    const other = engine.handle('openai', asked(['sleeper', '{}']));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await engine.close();
    assert.match((await other)[0].content, /"status":"cancelled"/);
    await eventually(() => !live().engine, 'the engine is still there');
});

const EVENTS = [
    {
        id: 'x',
        choices: [
            {
                index: 0,
                delta: {
                    role: 'assistant',
                    tool_calls: [
                        { index: 0, id: 'call_1', type: 'function', function: { name: 'text-processor', arguments: '' } },
                    ],
                },
            },
        ],
    },
    { id: 'x', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"text":"grüß 🦀",' } }] } }] },
    { id: 'x', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '"operation":"upper"}' } }] } }] },
    { id: 'x', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
];
const BODY = Buffer.from(`${EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`);

for (const [name, pieces] of [
    ['bytes', Array.from(BODY, (byte) => Uint8Array.of(byte))],
    ['one buffer', [BODY]],
    ['text', [BODY.toString()]],
    ['events', EVENTS],
]) {
    test(`a streamed response in ${name}`, async () => {
        const engine = await open();
        const stream = new ResponseStream('openai');
        assert.throws(() => stream.response(), { code: 'SKL_ERR_INVALID_RESPONSE' });
        for (const piece of pieces) stream.feed(piece);
        assert.equal(stream.isComplete, true);
        const [message] = await engine.handle('openai', stream.response());
        assert.equal(JSON.parse(message.content).output.processed, 'GRÜSS 🦀');
        stream.close();
        stream.close();
        assert.throws(() => stream.feed('x'), { code: 'SKL_ERR_CLOSED' });
        assert.throws(() => stream.isComplete, { code: 'SKL_ERR_CLOSED' });
    });
}

test('a stream that fails', () => {
    assert.throws(() => new ResponseStream('klingon'), { code: 'SKL_ERR_UNKNOWN_DIALECT' });
    const stream = new ResponseStream();
    assert.equal(stream.isComplete, false);
    assert.throws(() => stream.feed('data: {"error":{"message":"overloaded"}}\n\n'), {
        code: 'SKL_ERR_INVALID_RESPONSE',
        message: /overloaded/,
    });
    assert.throws(() => stream.feed(EVENTS[0]), { code: 'SKL_ERR_INVALID_RESPONSE' });
    stream[Symbol.dispose]();
});
