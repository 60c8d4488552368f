/* What is quick runs on the event loop, what may take longer in the thread pool. A hop to the pool and back costs 0.2 ms,
 * which is much for a step that takes as long itself; but a step that reads and hashes files must not hold up the loop. */

const QUICK_MS = 2;
/* So many quick runs in the pool, after a slow one on the loop, until the loop is tried again. */
const PENANCE = 100;
const MOST_STEPS = 4096;

/** Remembers of each step whether it is quick. An unknown step runs in the pool. */
export class Pace {
    /** How many more quick runs a step needs in the pool. */
    readonly #owed = new Map<string, number>();

    async run<Given>(step: string, onLoop: () => Given, inPool: () => Promise<Given>): Promise<Given> {
        const owed = this.#owed.get(step) ?? 1;
        const start = performance.now();
        if (owed === 0) {
            const given = onLoop();
            if (performance.now() - start > QUICK_MS) this.#owed.set(step, PENANCE);
            return given;
        }
        const given = await inPool();
        if (this.#owed.size > MOST_STEPS) this.#owed.clear();
        // A slow run in the pool, where it may have waited for a thread, changes nothing.
        this.#owed.set(step, performance.now() - start > QUICK_MS ? owed : owed - 1);
        return given;
    }
}
