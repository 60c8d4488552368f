/* One call in Node, in a project that has the package skilllite.
 *
 *     node calculator.mjs ../../skills
 */
import { Engine } from 'skilllite';

const engine = await Engine.open(process.argv[2]);
try {
    const { text } = await engine.execute('calculator', { operation: 'multiply', a: 15, b: 27 });
    process.stdout.write(text);
} finally {
    await engine.close();
}
