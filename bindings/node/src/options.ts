/* From values of JavaScript to the documents that the library takes. What is wrong in them, the library says. */
import { constants } from 'node:buffer';

import type { Limits, Network } from './documents.js';
import type { Bytes } from './header.js';

/** Tool arguments: an object, or its JSON text. */
export type Arguments = object | string | null | undefined;

/** A file for the work folder: its text, its bytes, or the library's own form. */
export type FileContent = string | Uint8Array | { text: string } | { base64: string } | { path: string };

/** What a call may narrow; a key that is left out stays as the engine has it. */
export interface CallOptions {
    /** Ends the call; what waits for it rejects with the signal's reason. */
    signal?: AbortSignal | undefined;
    /** How long the call may take: `limits.wall_ms`. */
    timeoutMs?: number | undefined;
    limits?: Limits | undefined;
    env?: Record<string, string> | undefined;
    files?: Record<string, FileContent> | undefined;
    stdin?: string | undefined;
    cwd?: 'work' | 'skill' | undefined;
    network?: Network | undefined;
    fresh?: boolean | undefined;
    call_id?: string | undefined;
    /** Whether `output()` gives what the script writes while it runs. */
    stream?: boolean | undefined;
}

/** A string as the bytes and the length that the library takes. Lone surrogates become U+FFFD. */
export function utf8(value: string | Uint8Array): [Bytes, number] {
    const data = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    return data.length === 0 ? [null, 0] : [data, data.length];
}

/** JSON as the bytes and the length that the library takes: a value, or text as it is. */
export function document(value: unknown): [Bytes, number] {
    if (value === undefined || value === null) return [null, 0];
    if (typeof value === 'string' || value instanceof Uint8Array) return utf8(value);
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) throw new TypeError(`this has no JSON: ${typeof value}`);
    return utf8(json);
}

/** The options document of a call, without what is the binding's own. */
export function callOptions(options: CallOptions | undefined): [Bytes, number] {
    if (!options) return [null, 0];
    const { signal: _, timeoutMs, files, ...rest } = options;
    const given: Record<string, unknown> = rest;
    if (timeoutMs !== undefined) {
        if (rest.limits?.wall_ms !== undefined)
            throw new TypeError('timeoutMs and limits.wall_ms say the same: give one of them');
        given['limits'] = { ...rest.limits, wall_ms: Math.max(1, Math.ceil(timeoutMs)) };
    }
    if (files) given['files'] = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, file(content)]));
    return Object.keys(given).length ? document(given) : [null, 0];
}

function file(content: FileContent): object {
    if (typeof content === 'string') return { text: content };
    if (content instanceof Uint8Array) {
        return { base64: Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64') };
    }
    return content;
}

/** A bound of bytes for the library. Throws RangeError for what is no size, and for what no Buffer can hold. */
export function size(value: number): number {
    if (!(value >= 0)) throw new RangeError(`a size is not negative: ${value}`);
    return Math.min(Math.floor(value), constants.MAX_LENGTH);
}
