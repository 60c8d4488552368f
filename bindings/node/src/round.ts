/* The started calls of a response. */
import type { skl_call } from './header.js';
import type { Pace } from './pace.js';
import { Started } from './started.js';

/** The calls that a response asks for, running or ended, as one. Close it, or declare it with `using`: that cancels those that
 * still run. */
export class Round<Message = any> {
    readonly #started: Started<Message[]>;

    /** @internal */
    constructor(pointer: skl_call, pace: Pace, signal: AbortSignal | undefined) {
        // Messages are a vendor's: which of them tell of a cancelled call is not looked for.
        this.#started = new Started(pointer, 'the round of calls', pace, signal, () => true);
    }

    /** The messages to append, once the last call has ended; may be asked for repeatedly.
     *
     * After `timeoutMs` it rejects with SKL_ERR_WAIT_TIMEOUT and the calls go on; 0 only looks. If the signal aborted before the
     * end, it rejects with the signal's reason. */
    messages(timeoutMs?: number): Promise<Message[]> {
        return this.#started.ended(timeoutMs);
    }

    /** Ends the calls that have not ended; the messages then say so. May be repeated. */
    cancel(): void {
        this.#started.cancel();
    }

    /** Cancels the calls that still run, and releases them. Repeating it does nothing. */
    close(): void {
        this.#started.close();
    }

    [Symbol.dispose](): void {
        this.close();
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.close();
    }
}
