#!/usr/bin/env node
/* Makes the packages that npm installs: skilllite, and the one that brings the library for this platform.
 *
 * usage: pack.mjs FOLDER LIBRARY. Prints the paths of the two files. skilllite names the packages of all platforms as optional
 * dependencies; they are added here because npm cannot lock what is not published yet.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const LICENSE = join(HERE, '..', '..', 'LICENSE');
const NOTICES = join(HERE, '..', '..', 'THIRD_PARTY_LICENSES.md');
const PLATFORMS = ['linux-x64', 'linux-arm64'];
/* ELF e_machine -> the name of a processor in package.json. */
const MACHINES = new Map([
    [62, 'x64'],
    [183, 'arm64'],
]);

function pack(folder, name, manifest, files) {
    const staged = join(folder, name);
    rmSync(staged, { recursive: true, force: true });
    mkdirSync(staged, { recursive: true });
    for (const [from, to] of files) cpSync(from, join(staged, to), { recursive: true });
    writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest, null, 4)}\n`);
    const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
    const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--loglevel=error', `./${name}`], options));
    return join(folder, filename.replace('@', '').replace('/', '-'));
}

const [, , target, library] = process.argv;
if (!target || !library) {
    console.error('usage: pack.mjs FOLDER LIBRARY');
    process.exit(2);
}
const folder = resolve(target);
const {
    private: _,
    scripts: _scripts,
    devDependencies: _dev,
    prettier: _style,
    ...common
} = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'));
const { version, license } = common;

const elf = readFileSync(library);
const machine = MACHINES.get(elf.readUInt16LE(18));
const platform = `linux-${machine}`;
if (elf.toString('latin1', 0, 4) !== '\x7fELF' || !PLATFORMS.includes(platform)) {
    console.error(`pack.mjs: ${library} is no ELF file for ${PLATFORMS.join(' or ')}`);
    process.exit(1);
}
const usesGlibc = elf.includes('GLIBC_');

const readme = join(folder, 'README.platform.md');
mkdirSync(folder, { recursive: true });
writeFileSync(readme, `The library of the package skilllite for ${platform}. Install skilllite instead.\n`);
const packed = [
    pack(
        folder,
        'skilllite',
        { ...common, optionalDependencies: Object.fromEntries(PLATFORMS.map((name) => [`@skilllite/${name}`, version])) },
        [
            [join(HERE, 'dist'), 'dist'],
            [join(HERE, 'README.md'), 'README.md'],
            [LICENSE, 'LICENSE'],
        ],
    ),
    pack(
        folder,
        `skilllite-${platform}`,
        {
            name: `@skilllite/${platform}`,
            version,
            description: `The SkillLite library for ${platform}`,
            license,
            os: ['linux'],
            cpu: [machine],
            libc: [usesGlibc ? 'glibc' : 'musl'],
            files: ['libskilllite.so', 'THIRD_PARTY_LICENSES.md'],
        },
        [
            [library, 'libskilllite.so'],
            [readme, 'README.md'],
            [LICENSE, 'LICENSE'],
            [NOTICES, 'THIRD_PARTY_LICENSES.md'],
        ],
    ),
];
console.log(packed.join('\n'));
