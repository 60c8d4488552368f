/* What a function throws or a promise rejects with. A script that fails is no error: its exit code is in the result. */
import { STATUS } from './header.js';

/** The name of a status of the library, such as `SKL_ERR_INVALID_ARGUMENTS`. */
export type StatusName = Exclude<keyof typeof STATUS, 'SKL_OK'>;

const NAMES = new Map<number, string>(Object.entries(STATUS).map(([name, number]) => [number, name]));

/** The library refused or failed: `code` says why for a program, `message` for a person. */
export class SkillliteError extends Error {
    /** The name of the status; a newer library may have others than this package knows. */
    readonly code: StatusName | (string & {});
    /** The number of the status, as in the C header. */
    readonly status: number;

    constructor(status: number, code: string, message: string) {
        super(message);
        this.status = status;
        this.code = code;
    }

    static {
        this.prototype.name = 'SkillliteError';
    }
}

/** The shared library is missing, cannot be loaded, or is too old for this package. */
export class LibraryError extends Error {
    /** The same for every error of this class. */
    readonly code = 'ERR_SKILLLITE_LIBRARY';

    static {
        this.prototype.name = 'LibraryError';
    }
}

/** An error that the binding finds itself, with a status of the library. */
export function failure(code: StatusName, message: string): SkillliteError {
    return new SkillliteError(STATUS[code], code, message);
}

/** The name of a status that this package knows. */
export function nameOf(status: number): string | undefined {
    return NAMES.get(status);
}
