/* Finds libskilllite.so. In this order: the file that the program named by useLibrary; the package for this platform that
 * npm installed beside this one; where there is none, in a checkout of the project, the file that $SKILLLITE_LIBRARY names,
 * and the checkout's release build. So no environment replaces the library of an installed package. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

import { LibraryError } from './errors.js';

const FILE_NAME = 'libskilllite.so';

/** The package that brings the library for this platform. */
const PLATFORM_PACKAGE = `@skilllite/${process.platform}-${process.arch}`;

let named: string | undefined;
let found: string | undefined;

/** Loads this file and no other. `path` is absolute. Throws LibraryError once another library is in use. */
export function useLibrary(path: string): void {
    if (!isAbsolute(path)) throw new LibraryError(`the path of the library is not absolute: ${path}`);
    if (found !== undefined && found !== path) throw new LibraryError(`${found} is in use already; name the library first`);
    named = path;
}

/** The path of the library, the same each time. Throws LibraryError, which says where it looked. */
export function find(): string {
    found ??= named ?? packaged() ?? inCheckout();
    if (found !== undefined) return found;
    throw new LibraryError(
        `there is no ${FILE_NAME} for ${process.platform}-${process.arch}: install ${PLATFORM_PACKAGE} ` +
            '(npm does so unless optional dependencies are left out), or name a file with useLibrary',
    );
}

function packaged(): string | undefined {
    try {
        return require.resolve(`${PLATFORM_PACKAGE}/${FILE_NAME}`);
    } catch {
        return undefined;
    }
}

function inCheckout(): string | undefined {
    // <checkout>/bindings/node/dist/library.js
    const root = resolve(__dirname, '..', '..', '..');
    const isCheckout =
        existsSync(join(root, 'include', 'skilllite.h')) &&
        existsSync(join(root, 'bindings', 'node', 'generate.mjs')) &&
        realpathSync(join(root, 'bindings', 'node')) === realpathSync(resolve(__dirname, '..'));
    if (!isCheckout) return undefined;
    const variable = process.env['SKILLLITE_LIBRARY'];
    if (variable) {
        if (statSync(variable, { throwIfNoEntry: false })?.isFile()) return resolve(variable);
        throw new LibraryError(`SKILLLITE_LIBRARY names ${variable}, which is no file`);
    }
    const built = join(root, 'target', 'release', FILE_NAME);
    return existsSync(built) ? built : undefined;
}
