/* Skills and tools: loading, changing, reading, and the questions that need no engine. */
import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';

import { Engine, STATUS, VERSION, hasFeature, probe, validate, version } from 'skilllite';
import { SKILLS, everyHandleIsFreed, folder, open, writeSkill } from './support.mjs';

everyHandleIsFreed();
const NAMES = ['calculator', 'data-analyzer', 'http-request', 'text-processor', 'weather', 'writing-helper'];

test('a folder of skills, and its report', async () => {
    const engine = new Engine();
    assert.deepEqual(engine.skills(), []);
    const report = await engine.load(SKILLS);
    assert.deepEqual(report.skills, NAMES);
    assert.deepEqual(report.skipped, []);
    assert.deepEqual(
        engine.skills().map(({ name }) => name),
        NAMES,
    );
    await engine.load(pathToFileURL(SKILLS));
    assert.equal(engine.skills().length, NAMES.length);
    await engine.close();
});

test('several folders', async () => {
    const engine = await open([join(SKILLS, 'calculator'), pathToFileURL(join(SKILLS, 'weather'))]);
    assert.deepEqual(
        engine.skills().map(({ name }) => name),
        ['calculator', 'weather'],
    );
});

test('a folder that cannot be opened leaves no engine', async () => {
    await assert.rejects(Engine.open(['/no/such/folder']), { code: 'SKL_ERR_SKILL_DIRECTORY' });
});

test('the config reaches the library, as an object and as text', async () => {
    for (const config of [{ skills: ['weather'] }, '{"skills":["weather"]}']) {
        assert.deepEqual(
            (await open(SKILLS, config)).skills().map(({ name }) => name),
            ['weather'],
        );
    }
});

test('reading a skill', async () => {
    const engine = await open();
    assert.match(engine.prompt({ form: 'xml' }), /^<available_skills>/);
    assert.match(engine.instructions('calculator'), /^#|\n#/);
    const [resource] = engine.resources('calculator');
    assert.deepEqual(Object.keys(resource).sort(), ['is_executable', 'path', 'sha256', 'size']);
    const content = await engine.readResource('calculator', resource.path);
    assert.ok(Buffer.isBuffer(content));
    assert.equal(content.length, resource.size);
    await assert.rejects(engine.readResource('calculator', resource.path, 1), { code: 'SKL_ERR_RESOURCE_TOO_LARGE' });
    await assert.rejects(engine.readResource('calculator', '../weather/SKILL.md'), { code: 'SKL_ERR_PATH_ESCAPE' });
    const manifest = engine.manifest('calculator');
    assert.equal(manifest.tools[0].parameters.type, 'object');
    assert.equal(manifest.digest, engine.skills()[0].digest);
});

test('a scan says where and why, and may deny', { skip: !hasFeature('scan') }, async () => {
    const skills = writeSkill('dynamic', 'def run(text):\n    exec(text)\n');
    const engine = await open(skills, { policy: { min_tier: 'landlock', scan: { deny: 'high' } } });
    const report = engine.scan('dynamic');
    const { rule, severity, file, line } = report.findings[0];
    assert.deepEqual([rule, severity, file, line], ['dynamic-code', 'high', 'scripts/main.py', 2]);
    assert.deepEqual([report.is_denied, report.highest, report.findings.length], [true, 'high', 1]);
    assert.equal(report.digest, engine.skills()[0].digest);
    await assert.rejects(engine.execute('dynamic'), { code: 'SKL_ERR_SCAN_DENIED' });
    assert.throws(() => engine.scan('nobody'), { code: 'SKL_ERR_SKILL_NOT_FOUND' });
});

test('binary resources', async () => {
    const skills = writeSkill('binary', 'print(1)\n');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    writeFileSync(join(skills, 'binary', 'table.bin'), bytes);
    writeFileSync(join(skills, 'binary', 'empty.bin'), '');
    const engine = await open(skills);
    assert.deepEqual(await engine.readResource('binary', 'table.bin'), bytes);
    assert.deepEqual(await engine.readResource('binary', 'empty.bin'), Buffer.alloc(0));
});

test('removing, enabling and reloading', async () => {
    const skills = folder();
    for (const name of ['calculator', 'weather']) cpSync(join(SKILLS, name), join(skills, name), { recursive: true });
    const engine = await open(skills);
    engine.enable('calculator', false);
    assert.equal(engine.tools().length, 1);
    await assert.rejects(engine.call('calculator'), { code: 'SKL_ERR_TOOL_NOT_FOUND', message: /disabled/ });
    engine.enable('calculator');
    assert.equal(engine.tools().length, 2);
    engine.remove('weather');
    assert.throws(() => engine.remove('weather'), { code: 'SKL_ERR_SKILL_NOT_FOUND' });
    assert.deepEqual(
        engine.skills().map(({ name }) => name),
        ['calculator'],
    );
    await engine.load(skills);
    rmSync(join(skills, 'weather'), { recursive: true });
    const report = await engine.reload();
    assert.deepEqual([report.added, report.changed, report.removed], [[], [], ['weather']]);
});

for (const dialect of ['openai', 'openai:strict', 'openai-responses', 'anthropic', 'gemini', 'mcp']) {
    test(`tools in ${dialect}`, async () => {
        const engine = await open();
        const tools = engine.tools(dialect);
        assert.ok(Array.isArray(tools));
        assert.match(JSON.stringify(tools), /calculator/);
    });
}

test('the plan of a call', async () => {
    const engine = await open();
    assert.match(await engine.plan('calculator', { operation: 'add', a: 1, b: 2 }), /^ *1 /);
    await assert.rejects(engine.plan('nope'), { code: 'SKL_ERR_TOOL_NOT_FOUND' });
});

test('what the library says of itself', () => {
    assert.equal(version(), VERSION);
    assert.equal(hasFeature('teleportation'), false);
    assert.equal(typeof hasFeature('network'), 'boolean');
    assert.equal(STATUS.SKL_OK, 0);
});

test('probing and validating need no engine', async () => {
    const found = await probe();
    assert.ok(found.tiers.some(({ tier, is_available }) => tier === found.tier && is_available));
    assert.deepEqual(await validate(join(SKILLS, 'calculator')), []);
    assert.deepEqual(await validate(pathToFileURL(join(SKILLS, 'calculator'))), []);
    assert.ok((await validate('/no/such/folder')).some(({ severity }) => severity === 'error'));
});
