/* Takes turns with a host in C, so that a machine whose speed drifts slows both alike. Started by benches/node. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { Engine } from '../bindings/node/dist/index.mjs';

const [, , host, skills, benchSkills, rounds] = process.argv;
const WARM_UP = 100;

/** The value that a share of the list is below. A tenth tells of a busy machine what it is like when nobody else runs. */
const quantile = (list, share) => list.toSorted((left, right) => left - right)[Math.floor(list.length * share)];

for (const [folder, tool, args] of [
    [benchSkills, 'true', {}],
    [skills, 'calculator', { operation: 'multiply', a: 15, b: 27 }],
]) {
    const child = spawn(host, [folder, tool, JSON.stringify(args)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const engine = await Engine.open(folder);
    const timed = async (work) => {
        const [start, used] = [performance.now(), process.cpuUsage()];
        await work();
        const { user, system } = process.cpuUsage(used);
        return [performance.now() - start, (user + system) / 1000];
    };
    const variants = {
        C: async () => {
            child.stdin.write('\n');
            return (await lines.next()).value.split(' ').map(Number);
        },
        Node: () => timed(() => engine.execute(tool, args)),
        'Node, blocking': () => timed(() => engine.executeSync(tool, args)),
    };
    const took = Object.fromEntries(Object.keys(variants).map((name) => [name, { wall: [], used: [] }]));
    for (let round = -WARM_UP; round < Number(rounds); round++) {
        for (const [name, run] of Object.entries(variants)) {
            const [wall, used] = await run();
            if (round < 0) continue;
            took[name].wall.push(wall);
            took[name].used.push(used);
        }
    }
    child.stdin.end();
    await engine.close();
    console.log(`${tool}: ${quantile(took.C.wall, 0.5).toFixed(3)} ms in C, the median of ${rounds}`);
    for (const name of ['Node', 'Node, blocking']) {
        const more = (kind, share) => quantile(took[name][kind], share) - quantile(took.C[kind], share);
        const ratio = quantile(took[name].wall, 0.5) / quantile(took.C.wall, 0.5);
        const [median, tenth, used] = [more('wall', 0.5), more('wall', 0.1), more('used', 0.5)];
        console.log(
            `    ${name}: ${ratio.toFixed(3)} times as long; ${median.toFixed(3)} ms more, ${tenth.toFixed(3)} ms in the best tenth, ` +
                `${used.toFixed(3)} ms of processor`,
        );
    }
}
console.log('promised: at most 0.2 ms more than C in the median, on a machine that is otherwise idle');
