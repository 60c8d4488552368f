/* A borrowed descriptor that promises wait for. The event loop takes one watch for each descriptor, so all waiters share it,
 * and it goes with the last of them: a process with nobody waiting may end. */
import { watch } from './ffi.js';

/* setTimeout's longest, in milliseconds; about 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Tells when a descriptor is readable. */
export class Readable {
    readonly #fd: number;
    readonly #waiters = new Set<() => void>();
    #stop: (() => void) | undefined;

    constructor(fd: number) {
        this.#fd = fd;
    }

    /** True once it is readable, false after `timeoutMs`. The descriptor must stay open meanwhile. */
    wait(timeoutMs?: number): Promise<boolean> {
        return new Promise((resolve) => {
            const done = (isReadable: boolean): void => {
                clearTimeout(timer);
                this.#waiters.delete(wake);
                if (this.#waiters.size === 0) this.#unwatch();
                resolve(isReadable);
            };
            const wake = (): void => done(true);
            this.#stop ??= watch(this.#fd, () => this.#onReadable());
            this.#waiters.add(wake);
            const timer =
                timeoutMs === undefined ? undefined : setTimeout(done, Math.max(0, Math.min(timeoutMs, LONGEST_MS)), false);
        });
    }

    #onReadable(): void {
        // Out of the watch's own callback first, behind which Node runs no microtasks.
        this.#unwatch();
        setImmediate(() => {
            for (const wake of [...this.#waiters]) wake();
        });
    }

    #unwatch(): void {
        this.#stop?.();
        this.#stop = undefined;
    }
}
