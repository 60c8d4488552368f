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

test('forty responses at once take no thread', async () => {
    const engine = await open(writeSkill('hello', "print('hello')\n"));
    await engine.handle('openai', asked(['hello', '{}']));
    const before = footprint();
    const all = await Promise.all(Array.from({ length: 40 }, () => engine.handle('openai', asked(['hello', '{}']))));
    for (const [message] of all) assert.equal(JSON.parse(message.content).text, 'hello\n');
    await eventually(
        () => footprint().threads <= before.threads,
        () => JSON.stringify([before, footprint()]),
    );
});

const STAYS = 'import os, signal\nif os.environ.get("STAYS"):\n    signal.pause()\nprint("through")\n';
const TWO = asked(['stays', '{}'], ['stays', '{}']);
const env = { STAYS: '1' };

test('an abort cancels the calls', async () => {
    const engine = await open(writeSkill('stays', STAYS), { max_running: 2 });
    await assert.rejects(engine.handle('openai', TWO, { env, signal: AbortSignal.abort() }), { name: 'AbortError' });
    for (const after of [0, 100]) {
        const controller = new AbortController();
        const handling = engine.handle('openai', TWO, { env, signal: controller.signal });
        setTimeout(() => controller.abort(new Error('enough')), after);
        await assert.rejects(handling, { message: 'enough' });
        // They had filled the engine: in the queue it would wait for its turn in vain.
        assert.equal((await engine.execute('stays')).text, 'through\n');
    }
});

test('a round is waited for, cancelled and closed', async () => {
    const engine = await open(writeSkill('stays', STAYS), { max_running: 2 });
    const round = await engine.respond('openai', TWO, { env });
    await assert.rejects(round.messages(0), { code: 'SKL_ERR_WAIT_TIMEOUT' });
    round.cancel();
    const messages = await round.messages();
    assert.equal(await round.messages(), messages);
    assert.deepEqual(
        messages.map(({ tool_call_id }) => tool_call_id),
        ['call_1', 'call_2'],
    );
    for (const { content } of messages) assert.match(content, /"status":"cancelled"/);
    round.close();
    await assert.rejects(engine.respond('openai', TWO, { stream: true }), {
        code: 'SKL_ERR_UNSUPPORTED',
        message: /skl_engine_call/,
    });
    (await engine.respond('openai', TWO, { env })).close();
    assert.equal((await engine.execute('stays')).text, 'through\n');
});

test('closing the engine ends the calls', async () => {
    const engine = await sleeper();
    const round = await engine.respond('openai', asked(['sleeper', '{}']));
    const messages = round.messages();
    await engine.close();
    assert.match((await messages)[0].content, /"status":"cancelled"/);
    round.close();
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
