#!/usr/bin/env node
/* Writes src/header.ts from include/skilllite.h.
 *
 * The header is itself generated and regular, so the parser is small and strict: a declaration that it does not understand
 * is an error, never left out. Run it after a change of the header; `--check` only compares, and fails if the file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HEADER = fileURLToPath(new URL('../../include/skilllite.h', import.meta.url));
const TARGET = fileURLToPath(new URL('src/header.ts', import.meta.url));

/* C type -> (kind in the table, TypeScript type as an argument, as a result). */
const SCALARS = {
    bool: ['bool', 'boolean', 'boolean'],
    int: ['int', 'number', 'number'],
    int32_t: ['i32', 'number', 'number'],
    int64_t: ['i64', 'number', 'number | bigint'],
    size_t: ['size', 'number', 'number'],
    skl_status: ['i32', 'number', 'number'],
    uint32_t: ['u32', 'number', 'number'],
    uint64_t: ['u64', 'number | bigint', 'number | bigint'],
    void: ['void', 'void', 'void'],
};

export function parse(text) {
    const constants = Object.fromEntries(
        [...text.matchAll(/^#define SKL_(\w+) (\d+)$/gm)].map(([, name, value]) => [name, +value]),
    );
    const docs = new Map();
    for (const [, comment, after] of text.matchAll(/\/\*\*\n([^]*?)\*\/\n *([^\n]+)/g)) docs.set(after.trim(), prose(comment));
    let code = text.replace(/\/\*[^]*?\*\//g, '');
    const list = /enum skl_status\n#if[^]*?#endif[^\n]*\n \{\n([^]*?)\n\};\n#ifndef[^]*?#endif \/\/ __cplusplus\n/.exec(code);
    if (!list) throw new Error('the header has no enum skl_status');
    const statuses = list[1]
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean)
        .map((line) => {
            const match = /^(SKL_\w+) = (\d+),$/.exec(line);
            if (!match) throw new Error(`not a status: ${line}`);
            return { name: match[1], number: +match[2], doc: docs.get(line) };
        });
    code = code
        .replace(list[0], '')
        .replace(/#ifdef __cplusplus\n[^]*?#endif[^\n]*\n/g, '')
        .replace(/^#.*$/gm, '');
    const handles = [];
    const functions = [];
    for (const declaration of code
        .split(';')
        .map((part) => part.split(/\s+/).filter(Boolean).join(' '))
        .filter(Boolean)) {
        const handle = /^typedef struct (\w+) (\w+)$/.exec(declaration);
        if (handle && handle[1] === handle[2]) {
            handles.push({ name: handle[1], doc: docs.get(`${declaration};`) });
            continue;
        }
        const match = /^(.+?)(\bskl_\w+)\((.*)\)$/.exec(declaration);
        if (!match) throw new Error(`not understood: ${declaration}`);
        functions.push({
            name: match[2],
            result: match[1].trim(),
            parameters: match[3] === 'void' ? [] : match[3].split(',').map(parameter),
        });
    }
    return { constants, statuses, handles, functions };
}

/* Splits `const char *name` into its type and its name. */
function parameter(text) {
    const match = /^(.*?)(\w+)$/.exec(text.trim());
    if (!match) throw new Error(`not a parameter: ${text}`);
    return { type: match[1].trim(), name: match[2] };
}

/* The first paragraph of a comment, in one line. */
function prose(comment) {
    const lines = comment.split('\n').map((line) => line.replace(/^[ *]+/, '').trimEnd());
    return lines.join('\n').trim().split('\n\n')[0].split(/\s+/).join(' ');
}

/* Kind and TypeScript types of a C type. */
function kind(type, handles, isResult, name) {
    if (Object.hasOwn(SCALARS, type)) return SCALARS[type];
    if (type === 'const char *') {
        if (!isResult) return ['bytes', 'Bytes', 'never'];
        // Bytes with a length of their own; a C string would stop at the first NUL.
        return name.endsWith('_data') ? ['pointer', 'never', 'bigint | null'] : ['string', 'never', 'string | null'];
    }
    const match = /^(?:const )?(skl_\w+) (\*\*?)$/.exec(type);
    if (!match || !handles.has(match[1])) throw new Error(`no TypeScript type for '${type}' of ${name}`);
    return match[2] === '*' ? ['pointer', match[1], `${match[1]} | null`] : ['out', `Out<${match[1]}>`, 'never'];
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

export function render({ constants, statuses, handles, functions }) {
    const names = new Set(handles.map((handle) => handle.name));
    const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) => constants[`VERSION_${part}`]).join('.');
    const signatures = [],
        table = [];
    for (const { name, result, parameters } of functions) {
        const [resultKind, , resultType] = kind(result, names, true, name);
        const kinds = parameters.map((parameter) => kind(parameter.type, names, false, `${name}.${parameter.name}`));
        const list = parameters.map((parameter, index) => `${camel(parameter.name)}: ${kinds[index][1]}`);
        signatures.push(`    ${name}(${list.join(', ')}): ${resultType}`);
        table.push(`    ${name}: [${[resultKind, ...kinds.map((entry) => entry[0])].map((entry) => `'${entry}'`).join(', ')}],`);
    }
    return `/* The statuses, types and functions of include/skilllite.h. Generated by generate.mjs; do not edit. */

/** The version of the header. */
export const VERSION = '${version}'

/** The ABI that a library must at least have. */
export const ABI_VERSION = ${constants.ABI_VERSION}

/** What a function of the library returns; \`SKL_OK\`, or why it failed. */
export const STATUS = {
${statuses.map(({ name, number, doc }) => `    /** ${doc} */\n    ${name}: ${number},`).join('\n')}
} as const

/** The address of an object of the library, or of nothing. */
export type Pointer<Kind extends string> = bigint & { readonly kind: Kind }

/** Where a function puts what it gives. */
export type Out<Given> = [Given | null]

/** Bytes that the library borrows; NULL where there are none. */
export type Bytes = Uint8Array | null

${handles.map(({ name, doc }) => `/** ${doc} */\nexport type ${name} = Pointer<'${name}'>`).join('\n\n')}

/** Every function of the header. */
export interface Functions {
${signatures.join('\n')}
}

/** How a value crosses: what each function returns, then what it takes. */
export type Kind = 'bool' | 'bytes' | 'i32' | 'i64' | 'int' | 'out' | 'pointer' | 'size' | 'string' | 'u32' | 'u64' | 'void'

export const PROTOTYPES: Readonly<Record<keyof Functions, readonly [Kind, ...Kind[]]>> = {
${table.join('\n')}
}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const text = render(parse(readFileSync(HEADER, 'utf8')));
    if (!process.argv.includes('--check')) writeFileSync(TARGET, text);
    else if (readFileSync(TARGET, 'utf8') !== text) {
        console.error('src/header.ts is stale: run bindings/node/generate.mjs');
        process.exit(1);
    }
}
