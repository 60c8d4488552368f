/* One listener for each AbortSignal, however many calls obey it: Node warns of a leak from the eleventh on. */

interface Obedience {
    readonly works: Set<() => void>;
    readonly listener: () => void;
}

const obediences = new WeakMap<AbortSignal, Obedience>();

/** Does `work` when the signal aborts, unless the function that this gives was called before. */
export function onAbort(signal: AbortSignal, work: () => void): () => void {
    let obedience = obediences.get(signal);
    if (!obedience) {
        const works = new Set<() => void>();
        const listener = (): void => {
            obediences.delete(signal);
            for (const each of works) each();
        };
        obedience = { works, listener };
        obediences.set(signal, obedience);
        signal.addEventListener('abort', listener, { once: true });
    }
    const { works, listener } = obedience;
    works.add(work);
    return () => {
        works.delete(work);
        if (works.size > 0 || obediences.get(signal)?.works !== works) return;
        obediences.delete(signal);
        signal.removeEventListener('abort', listener);
    };
}
