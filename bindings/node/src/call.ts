/* A started call of a tool: its result, its output while it runs, its files. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Result } from './documents.js';
import { functions, inPool } from './ffi.js';
import { bytes, check, make, readInPool } from './handles.js';
import type { Out, skl_buffer, skl_call, skl_error } from './header.js';
import { size, utf8 } from './options.js';
import type { Pace } from './pace.js';
import { Readable } from './readable.js';
import { ASK_MS, Started } from './started.js';

/** A piece of what a script wrote, as it came: a character may be cut in two. */
export interface OutputChunk {
    stream: 'stdout' | 'stderr';
    data: Buffer;
}

const STREAMS = [
    [1, 'stdout'],
    [2, 'stderr'],
] as const;
const READ_BYTES = 64 * 1024 * 1024;

/** One running or ended call. Close it, or declare it with `using`: that cancels it if it still runs. */
export class Call {
    readonly #started: Started<Result>;
    #more: Readable | undefined;

    /** @internal */
    constructor(pointer: skl_call, tool: string, pace: Pace, signal: AbortSignal | undefined) {
        this.#started = new Started(pointer, `the call of '${tool}'`, pace, signal, ({ status }) => status === 'cancelled');
    }

    /** The result, once the call has ended; may be asked for repeatedly. A script that fails rejects nothing.
     *
     * After `timeoutMs` it rejects with SKL_ERR_WAIT_TIMEOUT and the call goes on; 0 only looks. If the call's signal ended
     * it, it rejects with the signal's reason. */
    result(timeoutMs?: number): Promise<Result> {
        return this.#started.ended(timeoutMs);
    }

    /** Ends the call; its result then says `cancelled`, unless the script had ended before. May be repeated. */
    cancel(): void {
        this.#started.cancel();
    }

    /** What the script writes, while it runs; for a call with the option `stream`. It ends when both streams have.
     *
     * Once 1 MiB of a stream is unread the script waits. Leaving the loop early leaves the rest to the next `output()`; the
     * result has the text all the same. */
    async *output(): AsyncGenerator<OutputChunk, void, void> {
        const open = new Map<number, OutputChunk['stream']>(STREAMS);
        while (open.size > 0) {
            // Lent for each piece alone, so that a loop that is left and forgotten keeps nothing.
            const chunk = await this.#started.lend((call) => this.#read(call, open));
            if (chunk) yield chunk;
        }
    }

    /** The content of one of the result's `files`. A file larger than `maxBytes` is an error, never cut. */
    async readFile(path: string, maxBytes = READ_BYTES): Promise<Buffer> {
        return this.#started.lend(async (call) =>
            bytes(await readInPool('skl_call_read_file', call, ...utf8(path), size(maxBytes))),
        );
    }

    /** Copies one of the result's `files`, or all of them, to the same path below the folder `dest`, which is there. Nothing is replaced
     * (SKL_ERR_ALREADY_EXISTS), no link below `dest` is followed, and on failure nothing is left. */
    async keep(dest: string, path = ''): Promise<void> {
        return this.#started.lend(async (call) => {
            const err: Out<skl_error> = [null];
            check(await inPool('skl_call_keep', call, ...utf8(path), ...utf8(dest), err), err);
        });
    }

    /** Cancels the call if it still runs, and releases it. Repeating it does nothing. */
    close(): void {
        this.#started.close();
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
}
