/* What is quick runs on the event loop, what may take longer in the thread pool. A hop to the pool and back costs 0.2 ms,
 * which is much for a step that takes as long itself; but a step that reads and hashes files must not hold up the loop. */

const QUICK_MS = 2;
const MOST_STEPS = 4096;

/** Remembers of each step whether it is quick. An unknown step runs in the pool, and one that held up the loop is kept there
 * for as many quick runs as it was times too slow: on average, nothing holds up the loop for longer than a quick run. */
export class Pace {
    /** How many more quick runs a step needs in the pool. */
    readonly #owed = new Map<string, number>();

    async run<Given>(step: string, onLoop: () => Given, inPool: () => Promise<Given>): Promise<Given> {
        const owed = this.#owed.get(step) ?? 1;
        const start = performance.now();
        if (owed === 0) {
            const given = onLoop();
            const took = performance.now() - start;
            if (took > QUICK_MS) this.#owed.set(step, Math.floor(took / QUICK_MS));
            return given;
        }
        const given = await inPool();
        if (this.#owed.size > MOST_STEPS) this.#owed.clear();
        // A slow run in the pool, where it may have waited for a thread, changes nothing.
        this.#owed.set(step, performance.now() - start > QUICK_MS ? owed : owed - 1);
        return given;
    }
}
