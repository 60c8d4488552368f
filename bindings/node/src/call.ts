/* A started call of a tool. Its end is a descriptor that the event loop watches, so no thread waits for it. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Result } from './documents.js';
import { SkillliteError, failure } from './errors.js';
import { functions, inPool } from './ffi.js';
import { Handle, bytes, check, json, make, readInPool, text } from './handles.js';
import { STATUS, type Out, type skl_buffer, type skl_call, type skl_error } from './header.js';
import { size, utf8 } from './options.js';
import type { Pace } from './pace.js';
import { Readable } from './readable.js';
import { onAbort } from './signals.js';

/** A piece of what a script wrote, as it came: a character may be cut in two. */
export interface OutputChunk {
    stream: 'stdout' | 'stderr';
    data: Buffer;
}

const STREAMS = [
    [1, 'stdout'],
    [2, 'stderr'],
] as const;
/* How often a call without a descriptor is asked for its end. */
const ASK_MS = 20;
const READ_BYTES = 64 * 1024 * 1024;

/** One running or ended call. Close it, or declare it with `using`: that cancels it if it still runs. */
export class Call {
    readonly #handle: Handle<'skl_call'>;
    readonly #pace: Pace;
    readonly #tool: string;
    readonly #signal: AbortSignal | undefined;
    #end: Readable | undefined;
    #more: Readable | undefined;
    #result: Promise<Result> | undefined;

    /** @internal */
    constructor(pointer: skl_call, tool: string, pace: Pace, signal: AbortSignal | undefined) {
        const state = { forget: (): void => {} };
        this.#handle = new Handle('call', pointer, (call, isLast) => {
            state.forget();
            if (isLast) functions().skl_call_free(call);
            // What a call left behind goes with it, which takes as long as it is large.
            else
                void pace.run(
                    `free ${tool}`,
                    () => functions().skl_call_free(call),
                    () => inPool('skl_call_free', call),
                );
        });
        this.#pace = pace;
        this.#tool = tool;
        this.#signal = signal;
        if (signal) {
            // The pointer and not the call, which the signal would keep from being collected.
            const cancel = (): void => void functions().skl_call_cancel(pointer);
            state.forget = onAbort(signal, cancel);
            if (signal.aborted) cancel();
        }
    }

    /** The result, once the call has ended; may be asked for repeatedly. A script that fails rejects nothing.
     *
     * After `timeoutMs` it rejects with SKL_ERR_WAIT_TIMEOUT and the call goes on; 0 only looks. If the call's signal ended
     * it, it rejects with the signal's reason. */
    async result(timeoutMs?: number): Promise<Result> {
        if (this.#result) return this.#result;
        const result = this.#handle.lend(async (call) => {
            if (!(await this.#hasEnded(call, timeoutMs))) {
                throw failure('SKL_ERR_WAIT_TIMEOUT', `the call of '${this.#tool}' has not ended; waiting for it ended first`);
            }
            // Everybody who waits gets the same, read once.
            return (this.#result ??= this.#take(call));
        });
        return result;
    }

    /** Ends the call; its result then says `cancelled`, unless the script had ended before. May be repeated. */
    cancel(): void {
        check(functions().skl_call_cancel(this.#handle.pointer), [null]);
    }

    /** What the script writes, while it runs; for a call with the option `stream`. It ends when both streams have.
     *
     * Once 1 MiB of a stream is unread the script waits. Leaving the loop early leaves the rest to the next `output()`; the
     * result has the text all the same. */
    async *output(): AsyncGenerator<OutputChunk, void, void> {
        const open = new Map<number, OutputChunk['stream']>(STREAMS);
        while (open.size > 0) {
            // Lent for each piece alone, so that a loop that is left and forgotten keeps nothing.
            const chunk = await this.#handle.lend((call) => this.#read(call, open));
            if (chunk) yield chunk;
        }
    }

    /** The content of one of the result's `files`. A file larger than `maxBytes` is an error, never cut. */
    async readFile(path: string, maxBytes = READ_BYTES): Promise<Buffer> {
        return this.#handle.lend(async (call) =>
            bytes(await readInPool('skl_call_read_file', call, ...utf8(path), size(maxBytes))),
        );
    }

    /** Copies one of the result's `files`, or all of them, to the same path below the folder `dest`, which is there. Nothing is replaced
     * (SKL_ERR_ALREADY_EXISTS), no link below `dest` is followed, and on failure nothing is left. */
    async keep(dest: string, path = ''): Promise<void> {
        return this.#handle.lend(async (call) => {
            const err: Out<skl_error> = [null];
            check(await inPool('skl_call_keep', call, ...utf8(path), ...utf8(dest), err), err);
        });
    }

    /** Cancels the call if it still runs, and releases it. Repeating it does nothing. */
    close(): void {
        if (this.#handle.isClosed) return;
        // Whoever waits for the result holds the handle; cancelling lets it go.
        functions().skl_call_cancel(this.#handle.pointer);
        this.#handle.close();
    }

    [Symbol.dispose](): void {
        this.close();
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.close();
    }

    /** The next piece of the open streams; nothing once they have ended. */
    async #read(call: skl_call, open: Map<number, OutputChunk['stream']>): Promise<OutputChunk | undefined> {
        for (;;) {
            for (const [number, stream] of open) {
                const buffer = make<skl_buffer | null>((out, err) => functions().skl_call_read(call, number, 0, out, err));
                const data = buffer && bytes(buffer);
                if (!data) open.delete(number);
                else if (data.length > 0) return { stream, data };
            }
            if (open.size === 0) return undefined;
            const fd = this.#more ? 0 : functions().skl_call_output_fd(call);
            if (fd >= 0) await (this.#more ??= new Readable(fd)).wait();
            else await sleep(ASK_MS); // no descriptor is left in this process
        }
    }

    async #hasEnded(call: skl_call, timeoutMs: number | undefined): Promise<boolean> {
        const fd = this.#end ? 0 : functions().skl_call_fd(call);
        if (fd >= 0) return (this.#end ??= new Readable(fd)).wait(timeoutMs);
        // No descriptor is left in this process.
        const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
        while (!(await this.#isFinished(call))) {
            const left = deadline - performance.now();
            if (left <= 0) return false;
            await sleep(Math.min(ASK_MS, left));
        }
        return true;
    }

    async #isFinished(call: skl_call): Promise<boolean> {
        try {
            text(await readInPool('skl_call_wait', call, 0));
            return true;
        } catch (error) {
            if (error instanceof SkillliteError && error.status === STATUS.SKL_ERR_WAIT_TIMEOUT) return false;
            throw error;
        }
    }

    /** Takes the result of an ended call, which also lists and hashes the files that the script left. */
    async #take(call: skl_call): Promise<Result> {
        const out: Out<skl_buffer> = [null];
        const err: Out<skl_error> = [null];
        const status = await this.#pace.run(
            `result ${this.#tool}`,
            () => functions().skl_call_wait(call, 0, out, err),
            () => inPool('skl_call_wait', call, 0, out, err),
        );
        check(status, err);
        const result = json<Result>(out[0] as skl_buffer);
        if (this.#signal?.aborted && result.status === 'cancelled') throw this.#signal.reason;
        return result;
    }
}
