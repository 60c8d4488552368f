/* The foreign function interface: the only room that knows koffi. It loads the library, checks that it fits the header, and
 * lends its functions, here on the event loop or in libuv's thread pool; it copies memory out and watches descriptors. */
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

import koffi = require('koffi');

import { LibraryError, failure } from './errors.js';
import { ABI_VERSION, PROTOTYPES, VERSION, type Functions, type Kind } from './header.js';
import { find } from './library.js';

/* Anonymous types: names are shared by all users of koffi in a process, among them a second copy of this package. */
const TYPES: Record<Kind, unknown> = {
    bool: 'bool',
    bytes: 'const uint8_t *',
    i32: 'int32_t',
    i64: 'int64_t',
    int: 'int',
    out: koffi.out(koffi.pointer(koffi.pointer('void'))),
    pointer: 'void *',
    size: 'size_t',
    string: 'str',
    u32: 'uint32_t',
    u64: 'uint64_t',
    void: 'void',
};

type Async = { async(...args: [...unknown[], (error: unknown, result: unknown) => void]): void };

let loaded: Functions | undefined;

/** The functions of the library; loads it the first time. Throws LibraryError. */
export function functions(): Functions {
    return (loaded ??= load(find()));
}

function load(path: string): Functions {
    let library: koffi.LibraryHandle;
    try {
        library = koffi.load(path);
    } catch (error) {
        throw new LibraryError(`cannot load ${path}: ${(error as Error).message}`);
    }
    const declare = (name: keyof Functions): unknown => {
        const [result, ...parameters] = PROTOTYPES[name].map((kind) => TYPES[kind] as string);
        return library.func(name, result as string, parameters);
    };
    let abi: number;
    try {
        abi = (declare('skl_abi_version') as Functions['skl_abi_version'])();
    } catch {
        throw new LibraryError(`${path} is no SkillLite library: it has no skl_abi_version`);
    }
    if (abi < ABI_VERSION) {
        throw new LibraryError(
            `${path} has ABI ${abi}, this package needs ${ABI_VERSION} or later: use the library of SkillLite ${VERSION}`,
        );
    }
    try {
        const names = Object.keys(PROTOTYPES) as (keyof Functions)[];
        return Object.fromEntries(names.map((name) => [name, declare(name)])) as unknown as Functions;
    } catch (error) {
        throw new LibraryError(`${path} says ABI ${abi} and lacks a function of it: ${(error as Error).message}`);
    }
}

/* Each call in the pool has memory of its own, and koffi refuses more than 256 at once. */
const MOST_IN_POOL = 32;
let inPoolNow = 0;
const queue: (() => void)[] = [];

/** Calls a function in libuv's thread pool. For what takes a bounded, short time: threads are few, and files need them. */
export async function inPool<Name extends keyof Functions>(
    name: Name,
    ...args: Parameters<Functions[Name]>
): Promise<ReturnType<Functions[Name]>> {
    const declared = functions()[name] as unknown as Async;
    if (inPoolNow < MOST_IN_POOL) inPoolNow++;
    else await new Promise<void>((resume) => queue.push(resume));
    try {
        return await new Promise((resolve, reject) => {
            // `args` is used once more below, so that the bytes that the library borrows live until it returned.
            declared.async(...args, (error, result) => {
                if (error) reject(error instanceof Error ? error : new Error(String(error)));
                else resolve(result as ReturnType<Functions[Name]>);
            });
        });
    } finally {
        args.length = 0;
        const next = queue.shift();
        if (next) next();
        else inPoolNow--;
    }
}

/** A copy of `length` bytes of the library's memory. */
export function copy(address: bigint | null, length: number): Buffer {
    return address && length ? Buffer.from(new Uint8Array(koffi.view(address, length))) : Buffer.alloc(0);
}

/** UTF-8 in the library's memory, as a string. */
export function decode(address: bigint | null, length: number): string {
    return address && length ? koffi.decode.string(address, length) : '';
}

/** Calls `onReadable` each time that the descriptor is readable, until the function that this gives is called. The bytes in it
 * may be read on the way. Throws SKL_ERR_RESOURCES if that takes a descriptor and none is left. */
export const watch: (fd: number, onReadable: () => void) => () => void = isMainThread ? watchItself : watchCopy;

/* Held because a watch that is collected no longer watches. */
const watches = new Set<koffi.node.PollHandle>();

function watchItself(fd: number, onReadable: () => void): () => void {
    const handle = koffi.node.poll(fd, { readable: true }, onReadable);
    watches.add(handle);
    return () => {
        if (watches.delete(handle)) handle.close();
    };
}

const F_DUPFD_CLOEXEC = 1030;
/* Declared when this module is loaded: a worker that is terminated while koffi declares something ends the process. */
const fcntl = isMainThread
    ? undefined
    : (koffi.load(null).func('int fcntl(int fd, int command, int argument)') as unknown as (...args: number[]) => number);

/* A worker may be terminated at any moment, at which koffi's watches would end the process. A socket of Node's costs 0.2 ms
 * more, and closes its descriptor. */
function watchCopy(fd: number, onReadable: () => void): () => void {
    const copied = fcntl?.(fd, F_DUPFD_CLOEXEC, 3) ?? -1;
    if (copied < 0) throw failure('SKL_ERR_RESOURCES', 'this process has no descriptor left to wait for the call');
    const socket = new Socket({ fd: copied, readable: true, writable: false });
    for (const event of ['data', 'end', 'error']) socket.on(event, onReadable);
    return () => void socket.destroy();
}
