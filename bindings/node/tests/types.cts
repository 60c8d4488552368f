/* The types as a CommonJS program sees them; compiled, never run. */
import skilllite = require('skilllite');
import ai = require('skilllite/ai');

export async function uses(engine: skilllite.Engine): Promise<number | null> {
    const result: skilllite.Result = await engine.execute('x');
    void ai.tools(engine);
    return result.exit_code;
}
