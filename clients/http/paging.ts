/** Lists that come page by page, from a server that may not know where they end. */

import { UnreachableError } from "./failures";

/** A list that does not come to an end. */
export class EndlessListError extends UnreachableError {
    constructor(message: string) {
        super(message, true);
    }
}

/** Pages of one list that are read: a hundred thousand objects, at a hundred a page. */
export const MOST_PAGES = 1_000;
/** Characters of one list that are kept, as JSON: two and a half times what a hundred thousand objects of Authentik have. */
export const LONGEST_LIST = 128 * 1024 * 1024;
/** How long a list is read. In milliseconds. */
export const PATIENCE_FOR_LIST = 600_000;

/**
 * Everything on the pages of a list.
 *
 * @param what the list, for a sentence: `the groups in Authentik`
 * @param page what is on a page, and which one is next; undefined for the last.
 * @param first the first page
 * @throws EndlessListError where a page is named a second time, or there are more than {@link MOST_PAGES}, or more than
 * {@link LONGEST_LIST} on them, or they take longer than {@link PATIENCE_FOR_LIST}.
 */
export async function everyPage<Item, Page extends string | number>(
    what: string,
    page: (page: Page) => Promise<{ items: readonly Item[]; next: Page | undefined }>,
    first: Page,
): Promise<Item[]> {
    const all: Item[] = [];
    const seen = new Set<Page>();
    const began = Date.now();
    let length = 0;
    const because = (at: Page) => {
        if (seen.has(at)) return "a page that was read already";
        if (seen.size >= MOST_PAGES) return "another one";
        if (length > LONGEST_LIST) return `another one, and they have more than ${LONGEST_LIST / 1024 / 1024} MiB`;
        if (Date.now() - began > PATIENCE_FOR_LIST)
            return `another one, ${PATIENCE_FOR_LIST / 1000} seconds after the first`;
        return undefined;
    };
    for (let at: Page | undefined = first; at !== undefined; ) {
        const why = because(at);
        if (why !== undefined) {
            throw new EndlessListError(
                `${what} do not come to an end: after ${seen.size} pages and ${all.length} entries the server names ` +
                    `${why}. A proxy or cache in front of it may ignore the page that is asked for.`,
            );
        }
        seen.add(at);
        const { items, next }: { items: readonly Item[]; next: Page | undefined } = await page(at);
        length += JSON.stringify(items).length;
        for (const item of items) all.push(item);
        at = next;
    }
    return all;
}
