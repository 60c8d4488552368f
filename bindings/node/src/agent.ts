/* The loop between a model and the tools, for any HTTP client. It opens no connection of its own. docs/agent.md has its config,
 * steps and events. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { AgentConfig, AgentEvent, Step } from './documents.js';
import { Engine, pointerOf } from './engine.js';
import { functions, inPool } from './ffi.js';
import { Handle, check, json, make, readInPool, run } from './handles.js';
import type { skl_agent, skl_buffer } from './header.js';
import { document, utf8 } from './options.js';
import { Readable } from './readable.js';
import { onAbort } from './signals.js';

/** What a turn begins with, beside the user's words. */
export interface AskOptions {
    /** Messages in the dialect's shape that come before the words. */
    messages?: readonly object[] | undefined;
    /** Ends the turn: the next step is `stopped`, with the reason `cancelled`. */
    signal?: AbortSignal | undefined;
}

/** What an agent is made with, beside its config. */
export interface AgentOptions {
    /** Gets what happens while `next` goes on, as it happens; `events` gives it otherwise. */
    onEvent?: ((event: AgentEvent) => void) | undefined;
}

/* How often an agent without a descriptor is asked. */
const ASK_MS = 20;

/** A conversation with a model, and the calls that it asks for. Close it, or declare it with `using`: that ends what runs.
 *
 *     agent.ask('What is 15 times 27?');
 *     let step = await agent.next();
 *     while (step.step === 'request') {
 *         const response = await fetch(BASE_URL + step.path, { method: 'POST', headers, body: JSON.stringify(step.body) });
 *         agent.feed(await response.text());
 *         step = await agent.next();
 *     } */
export class Agent {
    readonly #handle: Handle<'skl_agent'>;
    readonly #onEvent: AgentOptions['onEvent'];
    /** Belongs to the turn that was asked for last. */
    readonly #turn: { forget: () => void };
    #ready: Readable | undefined;

    /** `config` is that of docs/agent.md#config, or its JSON text. The engine may be closed before the agent. */
    constructor(engine: Engine, config: AgentConfig | string, options: AgentOptions = {}) {
        const pointer = make<skl_agent>((out, err) =>
            functions().skl_agent_new(pointerOf(engine), ...document(config), out, err),
        );
        const turn = { forget: (): void => {} };
        this.#handle = new Handle('agent', pointer, (agent, isLast) => {
            turn.forget();
            // The last handle of an engine ends its processes and waits for that.
            if (isLast) functions().skl_agent_free(agent);
            else void inPool('skl_agent_free', agent);
        });
        this.#turn = turn;
        this.#onEvent = options.onEvent;
    }

    /** Begins a turn with what the user says. Throws SKL_ERR_OUT_OF_TURN in one. */
    ask(words = '', { messages, signal }: AskOptions = {}): void {
        signal?.throwIfAborted();
        const agent = this.#handle.pointer;
        run((err) => functions().skl_agent_ask(agent, ...utf8(words), ...document(messages), err));
        this.#turn.forget();
        this.#turn.forget = signal ? onAbort(signal, () => void functions().skl_agent_cancel(agent)) : (): void => {};
    }

    /** What to do next. Waits for calls that run, at most `timeoutMs` if that is given: then it is the step `running`. */
    async next(timeoutMs = Infinity): Promise<Step> {
        const deadline = performance.now() + timeoutMs;
        return this.#handle.lend(async (agent) => {
            for (;;) {
                const step = json<Step>(await readInPool('skl_agent_next', agent, 0));
                if (this.#onEvent) for (const event of this.#events(agent)) this.#onEvent(event);
                const left = deadline - performance.now();
                if (step.step !== 'running' || left <= 0) return step;
                const fd = this.#ready ? 0 : functions().skl_agent_fd(agent);
                if (fd >= 0) await (this.#ready ??= new Readable(fd)).wait(left === Infinity ? undefined : left);
                else await sleep(Math.min(ASK_MS, left)); // no descriptor is left in this process
            }
        });
    }

    /** Takes the response to the last `request`, or a piece of it while `isEnd` is false: bytes or text cut anywhere, the body as
     * an object, or an event of a stream as an object. What is no response throws SKL_ERR_INVALID_RESPONSE; the request is then
     * open again. */
    feed(data: Uint8Array | string | object = '', isEnd = true): void {
        const isRaw = typeof data === 'string' || data instanceof Uint8Array;
        const text = isRaw ? data : isEnd ? JSON.stringify(data) : `data: ${JSON.stringify(data)}\n\n`;
        run((err) => functions().skl_agent_feed(this.#handle.pointer, ...utf8(text), isEnd, err));
    }

    /** Allows a call of an `approval` step. */
    approve(callId: string): void {
        this.#decide(callId, true, '');
    }

    /** Denies a call of an `approval` step; the model reads the reason. */
    deny(callId: string, reason = ''): void {
        this.#decide(callId, false, reason);
    }

    /** What happened since the last time, oldest first. */
    events(): AgentEvent[] {
        return this.#events(this.#handle.pointer);
    }

    /** Ends the turn; the next step is `stopped`. Between turns it does nothing. May be repeated. */
    cancel(): void {
        check(functions().skl_agent_cancel(this.#handle.pointer), [null]);
    }

    /** The conversation so far; a new agent takes it up as its `messages`. */
    transcript<Message = any>(): Message[] {
        return json(make<skl_buffer>((out, err) => functions().skl_agent_transcript(this.#handle.pointer, out, err)));
    }

    /** Ends the turn and releases the agent. Repeating it does nothing. */
    close(): void {
        if (this.#handle.isClosed) return;
        // Whoever waits for a step holds the handle; cancelling lets it go.
        functions().skl_agent_cancel(this.#handle.pointer);
        this.#handle.close();
    }

    [Symbol.dispose](): void {
        this.close();
    }

    #events(agent: skl_agent): AgentEvent[] {
        return json(make<skl_buffer>((out, err) => functions().skl_agent_events(agent, out, err)));
    }

    #decide(callId: string, isAllowed: boolean, reason: string): void {
        const inputs = [...utf8(callId), isAllowed, ...utf8(reason)] as const;
        run((err) => functions().skl_agent_approve(this.#handle.pointer, ...inputs, err));
    }
}
