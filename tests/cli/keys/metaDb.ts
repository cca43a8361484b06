/** A file of bbolt with zot's accounts, as small as it can be. */

export const PAGE = 4096;

function fnv64a(bytes: Buffer): bigint {
    return bytes.reduce(
        (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n),
        0xcbf29ce484222325n,
    );
}

export function header(id: number, flags: number, count: number, overflow = 0): Buffer {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt(id));
    bytes.writeUInt16LE(flags, 8);
    bytes.writeUInt16LE(count, 10);
    bytes.writeUInt32LE(overflow, 12);
    return bytes;
}

export function leaf(id: number, items: [key: string, value: Buffer, isBucket?: boolean][]): Buffer {
    const elements: Buffer[] = [];
    const data: Buffer[] = [];
    let offset = items.length * 16;
    items.forEach(([key, value, isBucket], index) => {
        const element = Buffer.alloc(16);
        element.writeUInt32LE(isBucket ? 1 : 0, 0);
        element.writeUInt32LE(offset - index * 16, 4);
        element.writeUInt32LE(Buffer.byteLength(key), 8);
        element.writeUInt32LE(value.length, 12);
        elements.push(element);
        data.push(Buffer.from(key), value);
        offset += Buffer.byteLength(key) + value.length;
    });
    const body = Buffer.concat([...elements, ...data]);
    return Buffer.concat([header(id, 2, items.length, Math.max(0, Math.ceil((16 + body.length) / PAGE) - 1)), body]);
}

export function branch(id: number, children: [key: string, page: number][]): Buffer {
    const elements = children.map(([key, page], index) => {
        const element = Buffer.alloc(16);
        element.writeUInt32LE(children.length * 16 - index * 16, 0);
        element.writeUInt32LE(key.length, 4);
        element.writeBigUInt64LE(BigInt(page), 8);
        return element;
    });
    return Buffer.concat([
        header(id, 1, children.length),
        ...elements,
        Buffer.from(children.map(([key]) => key).join("")),
    ]);
}

export function meta(id: number, root: number, transaction: number): Buffer {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(0xed0cdaed, 0);
    bytes.writeUInt32LE(2, 4);
    bytes.writeUInt32LE(PAGE, 8);
    bytes.writeBigUInt64LE(BigInt(root), 16);
    bytes.writeBigUInt64LE(BigInt(transaction), 48);
    bytes.writeBigUInt64LE(fnv64a(bytes.subarray(0, 56)), 56);
    return Buffer.concat([header(id, 4, 0), bytes]);
}

export const bucket = (root: number, inline: Buffer = Buffer.alloc(0)) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt(root));
    return Buffer.concat([bytes, inline]);
};

/** Pages by their number; each may take more than one. */
export function file(pages: Record<number, Buffer>): Buffer {
    const bytes = Buffer.alloc(PAGE * 16);
    for (const [id, page] of Object.entries(pages)) page.copy(bytes, Number(id) * PAGE);
    return bytes;
}

export const key = (more: object = {}) => ({
    label: "laptop",
    uuid: "u-1",
    createdAt: "2025-01-02T03:04:05Z",
    expirationDate: "0001-01-01T00:00:00Z",
    lastUsed: "0001-01-01T00:00:00Z",
    ...more,
});
export const account = (groups: string[], ...records: object[]) =>
    Buffer.from(
        JSON.stringify({
            Groups: groups,
            APIKeys: Object.fromEntries(records.map((record, index) => [`canary-hash-${index}`, record])),
        }),
    );
