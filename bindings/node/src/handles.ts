/* Ownership of what the library gives, and the way into and out of its functions. A handle is freed once, and never while a
 * function in the thread pool has it: closing takes effect when the last user leaves. Buffers and errors never leave this
 * room: they become bytes, strings and exceptions here. */
import { isMainThread } from 'node:worker_threads';

import { SkillliteError, failure } from './errors.js';
import { copy, decode, functions, inPool } from './ffi.js';
import type { Functions, Out, Pointer, skl_buffer, skl_error } from './header.js';

/** Names of the functions whose last two parameters are a buffer and an error. */
type Reader = {
    [Name in keyof Functions]: Parameters<Functions[Name]> extends [...unknown[], Out<skl_buffer>, Out<skl_error>] ? Name : never;
}[keyof Functions];

type Inputs<Name extends keyof Functions> =
    Parameters<Functions[Name]> extends [...infer Given, Out<infer _Handle>, Out<skl_error>] ? Given : never;

interface Owned {
    readonly kind: string;
    readonly pointer: Pointer<string>;
    readonly free: Free<string>;
    isFreed: boolean;
}

/** Releases a pointer. `isLast`: nothing runs after this, so it has to be done when this returns. */
export type Free<Kind extends string> = (pointer: Pointer<Kind>, isLast: boolean) => void;

const owned = new Set<Owned>();

/** How many handles of each kind are not freed yet. For tests that look for leaks. */
export function live(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind } of owned) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
}

function release(entry: Owned, isLast: boolean): void {
    if (entry.isFreed) return;
    entry.isFreed = true;
    owned.delete(entry);
    entry.free(entry.pointer, isLast);
}

const collected = new FinalizationRegistry<Owned>((entry) => release(entry, false));

// The process goes on after a worker has ended, and its finalizers do not run then.
if (!isMainThread) process.once('exit', () => owned.forEach((entry) => release(entry, true)));

/** Owns one pointer of the library. */
export class Handle<Kind extends string> {
    readonly #owned: Owned;
    #users = 0;
    #isClosed = false;

    constructor(kind: string, pointer: Pointer<Kind>, free: Free<Kind>) {
        this.#owned = { kind, pointer, free: free as Free<string>, isFreed: false };
        owned.add(this.#owned);
        collected.register(this, this.#owned, this);
    }

    get isClosed(): boolean {
        return this.#isClosed;
    }

    /** The pointer, for a function that returns before anything else runs. Throws SKL_ERR_CLOSED. */
    get pointer(): Pointer<Kind> {
        if (this.#isClosed) throw failure('SKL_ERR_CLOSED', `this ${this.#owned.kind} is closed`);
        return this.#owned.pointer as Pointer<Kind>;
    }

    /** Lends the pointer, which is not freed before `work` has ended. */
    async lend<Given>(work: (pointer: Pointer<Kind>) => Promise<Given>): Promise<Given> {
        const pointer = this.pointer;
        this.#users++;
        try {
            return await work(pointer);
        } finally {
            this.#users--;
            this.#freeIfUnused();
        }
    }

    /** Frees the handle, now or when its last user leaves. Repeating it does nothing. */
    close(): void {
        this.#isClosed = true;
        this.#freeIfUnused();
    }

    #freeIfUnused(): void {
        if (!this.#isClosed || this.#users > 0) return;
        collected.unregister(this);
        release(this.#owned, false);
    }
}

/** Throws the error of a failure, and frees it. */
export function check(status: number, err: Out<skl_error>): void {
    if (status === 0) return;
    const { skl_error_free, skl_error_message, skl_status_name } = functions();
    const [error] = err;
    const code = skl_status_name(status) ?? 'unknown status';
    const message = error ? skl_error_message(error) : null;
    if (error) skl_error_free(error);
    throw new SkillliteError(status, code, message || code);
}

/** Calls a function without an output. */
export function run(work: (err: Out<skl_error>) => number): void {
    const err: Out<skl_error> = [null];
    check(work(err), err);
}

/** Calls a function whose output is a handle, and gives its pointer. */
export function make<Given>(work: (out: Out<Given>, err: Out<skl_error>) => number): Given {
    const out: Out<Given> = [null];
    run((err) => work(out, err));
    return out[0] as Given;
}

/** The bytes of a buffer, which is freed. */
export function bytes(buffer: skl_buffer): Buffer {
    return consume(buffer, copy);
}

/** The text of a buffer, which is freed. */
export function text(buffer: skl_buffer): string {
    return consume(buffer, decode);
}

/** The document in a buffer, which is freed. */
export function json<Given>(buffer: skl_buffer): Given {
    return JSON.parse(text(buffer)) as Given;
}

function consume<Given>(buffer: skl_buffer, read: (address: bigint | null, length: number) => Given): Given {
    const { skl_buffer_data, skl_buffer_free, skl_buffer_len } = functions();
    try {
        return read(skl_buffer_data(buffer), skl_buffer_len(buffer));
    } finally {
        skl_buffer_free(buffer);
    }
}

/** Calls a function whose output is a buffer in the thread pool. */
export async function readInPool<Name extends Reader>(name: Name, ...inputs: Inputs<Name>): Promise<skl_buffer> {
    return makeInPool<Name, skl_buffer>(name, ...inputs);
}

/** Calls a function whose output is a handle in the thread pool, and gives its pointer. */
export async function makeInPool<Name extends keyof Functions, Given>(name: Name, ...inputs: Inputs<Name>): Promise<Given> {
    const out: Out<Given> = [null];
    const err: Out<skl_error> = [null];
    const status = await inPool(name, ...([...inputs, out, err] as unknown as Parameters<Functions[Name]>));
    check(status as number, err);
    return out[0] as Given;
}
