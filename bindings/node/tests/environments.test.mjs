/* Packages of skills, from an index that this very process serves: installing them must not hold up its event loop. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';

import { everyHandleIsFreed, folder, open, writeSkill } from './support.mjs';

everyHandleIsFreed();

const NEEDY = '# /// script\n# dependencies = ["no-such-package"]\n# ///\nprint("ran")\n';

async function served(t, answer) {
    const server = createServer(answer).listen(0, '127.0.0.1');
    t.after(() => server.closeAllConnections());
    t.after(() => server.close());
    await once(server, 'listening');
    const engine = await open(writeSkill('needy', NEEDY), {
        policy: { min_tier: 'landlock', network: { allow: [], accept_port_only: true } },
        cache_dir: folder(),
        dependencies: { python_index: `http://127.0.0.1:${server.address().port}/simple/` },
    });
    return { server, engine };
}

test('the event loop goes on while packages are installed', async (t) => {
    const asked = [];
    const { engine } = await served(t, ({ url }, response) => {
        asked.push(url);
        response.writeHead(404).end();
    });
    await assert.rejects(engine.execute('needy'), { code: 'SKL_ERR_NOT_PREPARED', message: /no-such-package/ });
    await assert.rejects(engine.prepare('needy'), { code: 'SKL_ERR_BUILD_FAILED', message: /no-such-package/ });
    assert.ok(asked.includes('/simple/no-such-package/'), `${asked}`);
    await assert.rejects(engine.prepare('nobody'), { code: 'SKL_ERR_SKILL_NOT_FOUND' });
});

test('closing the engine ends an installation', async (t) => {
    const { server, engine } = await served(t, () => {});
    const prepared = assert.rejects(engine.prepare(), { code: 'SKL_ERR_CLOSED' });
    await once(server, 'request');
    await engine.close();
    await prepared;
});

test('a host that installs nothing hears what would be needed', async () => {
    const engine = await open(writeSkill('needy', NEEDY), { policy: { min_tier: 'landlock' } });
    const { environments } = await engine.prepare();
    assert.deepEqual(
        environments.map(({ state, language, requirements }) => [state, language, requirements]),
        [['host', 'python', ['no-such-package']]],
    );
});
