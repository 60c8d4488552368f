/* What was started and has an end: a call, or the calls of a response. Its end is a descriptor that the event loop watches, so no
 * thread waits for it. */
import { setTimeout as sleep } from 'node:timers/promises';

import { SkillliteError, failure } from './errors.js';
import { functions, inPool } from './ffi.js';
import { Handle, check, json, readInPool, text } from './handles.js';
import { STATUS, type Out, type skl_buffer, type skl_call, type skl_error } from './header.js';
import type { Pace } from './pace.js';
import { Readable } from './readable.js';
import { onAbort } from './signals.js';

/* How often what has no descriptor is asked for its end. */
export const ASK_MS = 20;

/** What calls and rounds share. Closing it, or a signal that aborts, ends what still runs. */
export class Started<Given> {
    readonly #handle: Handle<'skl_call'>;
    readonly #pace: Pace;
    readonly #name: string;
    readonly #signal: AbortSignal | undefined;
    readonly #isCancelled: (given: Given) => boolean;
    #end: Readable | undefined;
    #given: Promise<Given> | undefined;

    /** `name` is for people; `isCancelled` tells of what it gave whether the signal may have ended it. */
    constructor(
        pointer: skl_call,
        name: string,
        pace: Pace,
        signal: AbortSignal | undefined,
        isCancelled: (given: Given) => boolean,
    ) {
        const state = { forget: (): void => {} };
        this.#handle = new Handle('call', pointer, (call, isLast) => {
            state.forget();
            if (isLast) functions().skl_call_free(call);
            // What a call left behind goes with it, which takes as long as it is large.
            else
                void pace.run(
                    `free ${name}`,
                    () => functions().skl_call_free(call),
                    () => inPool('skl_call_free', call),
                );
        });
        this.#pace = pace;
        this.#name = name;
        this.#signal = signal;
        this.#isCancelled = isCancelled;
        if (signal) {
            // The pointer and not this, which the signal would keep from being collected.
            const cancel = (): void => void functions().skl_call_cancel(pointer);
            state.forget = onAbort(signal, cancel);
            if (signal.aborted) cancel();
        }
    }

    /** What it gives at its end; may be asked for repeatedly. After `timeoutMs` it rejects with SKL_ERR_WAIT_TIMEOUT. */
    async ended(timeoutMs?: number): Promise<Given> {
        if (this.#given) return this.#given;
        return this.lend(async (call) => {
            if (!(await this.#hasEnded(call, timeoutMs))) {
                throw failure('SKL_ERR_WAIT_TIMEOUT', `${this.#name} has not ended; waiting for it ended first`);
            }
            // Everybody who waits gets the same, read once.
            return (this.#given ??= this.#take(call));
        });
    }

    /** Keeps the pointer from being freed until the work is done. */
    lend<Output>(work: (call: skl_call) => Promise<Output>): Promise<Output> {
        return this.#handle.lend(work);
    }

    cancel(): void {
        check(functions().skl_call_cancel(this.#handle.pointer), [null]);
    }

    close(): void {
        if (this.#handle.isClosed) return;
        // Whoever waits for the end holds the handle; cancelling lets it go.
        functions().skl_call_cancel(this.#handle.pointer);
        this.#handle.close();
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

    /** Takes what it gives at its end, which also lists and hashes the files that scripts left. */
    async #take(call: skl_call): Promise<Given> {
        const out: Out<skl_buffer> = [null];
        const err: Out<skl_error> = [null];
        const status = await this.#pace.run(
            `result ${this.#name}`,
            () => functions().skl_call_wait(call, 0, out, err),
            () => inPool('skl_call_wait', call, 0, out, err),
        );
        check(status, err);
        const given = json<Given>(out[0] as skl_buffer);
        if (this.#signal?.aborted && this.#isCancelled(given)) throw this.#signal.reason;
        return given;
    }
}
