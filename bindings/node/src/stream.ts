/* A streamed response of an LLM, put together. It opens nothing and reads nothing by itself. */
import { functions } from './ffi.js';
import { Handle, json, make, run } from './handles.js';
import type { skl_buffer, skl_stream } from './header.js';
import { utf8 } from './options.js';

/** Puts a streamed response together, for `Engine.handle`. Close it, or declare it with `using`. */
export class ResponseStream {
    readonly #handle: Handle<'skl_stream'>;

    constructor(dialect = 'openai') {
        const pointer = make<skl_stream>((out, err) => functions().skl_stream_new(...utf8(dialect), out, err));
        this.#handle = new Handle('stream', pointer, (stream) => functions().skl_stream_free(stream));
    }

    /** Takes the next bytes of the response's body, cut anywhere, or an event of an SDK. A failure is final. */
    feed(data: Uint8Array | string | object): void {
        const isRaw = typeof data === 'string' || data instanceof Uint8Array;
        const input = utf8(isRaw ? data : JSON.stringify(data));
        run((err) => functions().skl_stream_feed(this.#handle.pointer, ...input, err));
    }

    /** Whether the model's turn is over. What comes after it may still be fed. */
    get isComplete(): boolean {
        return functions().skl_stream_is_complete(this.#handle.pointer);
    }

    /** The response as it would have been without streaming, as far as tool calls are concerned.
     *
     * Throws SKL_ERR_INVALID_RESPONSE before the end: a call that was cut off must not run. */
    response(): Record<string, unknown> {
        return json(make<skl_buffer>((out, err) => functions().skl_stream_response(this.#handle.pointer, out, err)));
    }

    /** Releases the stream. May be repeated. */
    close(): void {
        this.#handle.close();
    }

    [Symbol.dispose](): void {
        this.close();
    }
}
