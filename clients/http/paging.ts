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

/**
 * Everything on the pages of a list.
 *
 * @param what the list, for a sentence: `the groups in Authentik`
 * @param page what is on a page, and which one is next; undefined for the last.
 * @param first the first page
 * @throws EndlessListError where a page is named a second time, or there are more than {@link MOST_PAGES}.
 */
export async function everyPage<Item, Page extends string | number>(
    what: string,
    page: (page: Page) => Promise<{ items: readonly Item[]; next: Page | undefined }>,
    first: Page,
): Promise<Item[]> {
    const all: Item[] = [];
    const seen = new Set<Page>();
    for (let at: Page | undefined = first; at !== undefined; ) {
        if (seen.has(at) || seen.size >= MOST_PAGES) {
            throw new EndlessListError(
                `${what} do not come to an end: after ${seen.size} pages and ${all.length} entries the server names ${
                    seen.has(at) ? "a page that was read already" : "another one"
                }. A proxy or cache in front of it may ignore the page that is asked for.`,
            );
        }
        seen.add(at);
        const { items, next }: { items: readonly Item[]; next: Page | undefined } = await page(at);
        for (const item of items) all.push(item);
        at = next;
    }
    return all;
}
