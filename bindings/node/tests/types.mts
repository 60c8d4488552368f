/* What the types promise; compiled, never run. A line below `@ts-expect-error` must be an error. */
import type { ToolSet } from 'ai';
import {
    Engine,
    ResponseStream,
    SkillliteError,
    probe,
    validate,
    type Call,
    type OutputChunk,
    type Result,
    type Tier,
} from 'skilllite';
import { tools } from 'skilllite/ai';

export async function uses(): Promise<void> {
    await using engine = await Engine.open(['a', new URL('file:///b')], {
        policy: { min_tier: 'landlock', network: ['a.example:443'] },
    });
    const result: Result = await engine.execute(
        'x',
        { a: 1 },
        { timeoutMs: 5, files: { a: 'b', c: new Uint8Array(1) }, signal: AbortSignal.timeout(1) },
    );
    const code: number | null = result.exit_code;
    using call: Call = await engine.call('x', '{}', { stream: true });
    for await (const chunk of call.output()) {
        const { stream, data }: OutputChunk = chunk;
        const known: 'stdout' | 'stderr' = stream;
        data.toString(known === 'stdout' ? 'utf8' : 'latin1');
    }
    const buffer: Buffer = await call.readFile('x', 1);
    using stream = new ResponseStream('anthropic');
    stream.feed(buffer);
    const messages = await engine.handle<{ role: string }>('anthropic', stream.response());
    const role: string | undefined = messages[0]?.role;
    const tier: Tier | null = (await probe()).tier;
    const severity: 'error' | 'warning' | 'info' | undefined = (await validate('x'))[0]?.severity;
    const set: ToolSet = tools(engine, (tool) => ({ call_id: tool }));
    try {
        engine.remove('x');
    } catch (error) {
        if (error instanceof SkillliteError && error.code === 'SKL_ERR_SKILL_NOT_FOUND') console.log(error.status + 1);
    }
    // @ts-expect-error a tier that does not exist
    new Engine({ policy: { min_tier: 'perfect' } });
    // @ts-expect-error a key that does not exist
    await engine.execute('x', {}, { timeout: 5 });
    // @ts-expect-error a call cannot be made without an engine
    engine.call();
    // @ts-expect-error arguments are an object or text
    await engine.execute('x', 5);
    void [code, role, tier, severity, set];
}
