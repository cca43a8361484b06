/**
 * Reads a bbolt file, in which zot keeps accounts and keys (`meta.db`), from a copy of its bytes. zot itself keeps the
 * file locked, so no other program can open it. A copy made while zot was writing may be inconsistent; that is
 * detected. Pure.
 */
import { UserError } from "../../clients/userError";

/** The bytes are not a bbolt file, or are inconsistent. */
export class BoltError extends UserError {}

const MAGIC = 0xed0cdaed;
const PAGE_HEADER = 16;
const ELEMENT = 16;
const IS = { branch: 1, leaf: 2 };
const IS_BUCKET = 1;

interface Meta {
    pageSize: number;
    root: number;
    transaction: bigint;
}

/** Keys and values of a top-level bucket, in the order of the keys; undefined if there is no such bucket. */
export function bucketOf(file: Buffer, name: string): [key: string, value: Buffer][] | undefined {
    const meta = newestMeta(file);
    const found = leavesOf(file, meta, meta.root).find(
        ({ key, isBucket }) => isBucket && key.toString("utf8") === name,
    );
    if (!found) return undefined;
    // A bucket holds the page of its root, or 0 if it is so small that its page follows directly.
    const root = numberAt(found.value, 0);
    const leaves = root === 0 ? elementsOf(found.value, 16, file, meta, 0) : leavesOf(file, meta, root);
    return leaves.filter(({ isBucket }) => !isBucket).map(({ key, value }) => [key.toString("utf8"), value]);
}

/**
 * Two pages describe the file. The one that was written last counts; its checksum shows whether it is complete.
 */
function newestMeta(file: Buffer): Meta {
    const first = metaAt(file, 0);
    // If the first one is damaged, the page size is unknown.
    const sizes = first ? [first.pageSize] : [4096, 8192, 16384, 65536];
    const metas = [first, ...sizes.map((size) => metaAt(file, size))].filter((meta) => meta !== undefined);
    if (metas.length === 0) throw new BoltError("it is not a bbolt database");
    return metas.reduce((newest, meta) => (meta.transaction > newest.transaction ? meta : newest));
}

function metaAt(file: Buffer, offset: number): Meta | undefined {
    const at = offset + PAGE_HEADER;
    if (file.length < at + 64 || file.readUInt32LE(at) !== MAGIC || file.readUInt32LE(at + 4) !== 2) return undefined;
    if (file.readBigUInt64LE(at + 56) !== fnv64a(file.subarray(at, at + 56))) return undefined;
    return {
        pageSize: file.readUInt32LE(at + 8),
        root: numberAt(file, at + 16),
        transaction: file.readBigUInt64LE(at + 48),
    };
}

function fnv64a(bytes: Buffer): bigint {
    let hash = 0xcbf29ce484222325n;
    for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    return hash;
}

interface Leaf {
    key: Buffer;
    value: Buffer;
    isBucket: boolean;
}

/** No tree of zot's is deeper; without a limit, a page that names itself would never end. */
const DEEPEST = 32;

function leavesOf(file: Buffer, meta: Meta, page: number, depth = 0): Leaf[] {
    const start = page * meta.pageSize;
    if (depth > DEEPEST || page < 2 || start + PAGE_HEADER > file.length) throw torn(page);
    if (numberAt(file, start) !== page) throw torn(page);
    const end = start + (file.readUInt32LE(start + 12) + 1) * meta.pageSize;
    if (end > file.length) throw torn(page);
    return elementsOf(file.subarray(start, end), 0, file, meta, depth);
}

/** The elements of a page that begins at `start` of these bytes. */
function elementsOf(bytes: Buffer, start: number, file: Buffer, meta: Meta, depth: number): Leaf[] {
    if (start + PAGE_HEADER > bytes.length) throw torn(0);
    const flags = bytes.readUInt16LE(start + 8);
    const count = bytes.readUInt16LE(start + 10);
    const part = (from: number, length: number) => {
        if (from + length > bytes.length) throw torn(0);
        return bytes.subarray(from, from + length);
    };
    const places = Array.from({ length: count }, (_, index) => start + PAGE_HEADER + index * ELEMENT);
    if (places.length > 0 && places.at(-1)! + ELEMENT > bytes.length) throw torn(0);
    if (flags === IS.branch) return places.flatMap((at) => leavesOf(file, meta, numberAt(bytes, at + 8), depth + 1));
    if (flags !== IS.leaf) throw torn(0);
    return places.map((at) => {
        const [position, keySize, valueSize] = [
            bytes.readUInt32LE(at + 4),
            bytes.readUInt32LE(at + 8),
            bytes.readUInt32LE(at + 12),
        ];
        return {
            key: part(at + position, keySize),
            value: part(at + position + keySize, valueSize),
            isBucket: bytes.readUInt32LE(at) === IS_BUCKET,
        };
    });
}

const numberAt = (bytes: Buffer, at: number): number => {
    if (at + 8 > bytes.length) throw torn(0);
    return Number(bytes.readBigUInt64LE(at));
};

const torn = (page: number) =>
    new BoltError(
        `its pages are inconsistent${page > 0 ? ` (page ${page})` : ""}: ` +
            "it was copied while zot wrote to it, or not completely. Copy it again",
    );
