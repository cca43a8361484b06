/** Lists that come page by page, from a server that may never name a last page. */

import { UnreachableError } from "./failures";

/** A list without an end. */
export class EndlessListError extends UnreachableError {
    constructor(message: string) {
        super(message, true);
    }
}

/** How many pages of one list are read: a hundred thousand objects, at a hundred per page. */
export const MOST_PAGES = 1_000;
/** How many characters of one list are kept, as JSON: two and a half times a hundred thousand objects of Authentik. */
export const LONGEST_LIST = 128 * 1024 * 1024;
/** How long one list may take, in milliseconds. */
export const PATIENCE_FOR_LIST = 600_000;

/**
 * Everything on the pages of a list.
 *
 * @param what the list, for a sentence: `the groups in Authentik`
 * @param page returns what is on a page, and the next page; undefined after the last one
 * @param first the first page
 * @throws EndlessListError if a page is named a second time, or there are more than {@link MOST_PAGES}, or they hold
 *     more than {@link LONGEST_LIST}, or they take longer than {@link PATIENCE_FOR_LIST}
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
                `${what} do not end: after ${seen.size} pages and ${all.length} entries the server names ` +
                    `${why}. A proxy or cache in front of it may ignore the requested page.`,
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
