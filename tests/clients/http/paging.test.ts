/** Lists that come page by page, and those that never end. */
import { EndlessListError, everyPage, MOST_PAGES } from "../../../clients/http/paging";

test("everything on all pages, in order", async () => {
    const pages: Record<number, { items: string[]; next: number | undefined }> = {
        1: { items: ["a", "b"], next: 2 },
        2: { items: [], next: 5 },
        5: { items: ["c"], next: undefined },
    };
    expect(await everyPage("The letters", async (page: number) => pages[page]!, 1)).toEqual(["a", "b", "c"]);
});

test("a page that is named again ends it, with what was read", async () => {
    let asked = 0;
    const list = everyPage(
        "The letters",
        async (page: string) => ({ items: [page], next: ++asked % 2 ? "/b" : "/a" }),
        "/a",
    );
    await expect(list).rejects.toThrow(
        "The letters do not end: after 2 pages and 2 entries the server names a page that was read already.",
    );
    await expect(list).rejects.toBeInstanceOf(EndlessListError);
    expect(asked).toBe(2);
});

test("a list with ever new pages is left", async () => {
    let asked = 0;
    await expect(
        everyPage("The numbers", async (page: number) => ({ items: [++asked], next: page + 1 }), 1),
    ).rejects.toThrow(/do not end: after 1000 pages/);
    expect(asked).toBe(MOST_PAGES);
});

test("a list of few pages that are large is left before it fills the memory", async () => {
    const large = "x".repeat(16 * 1024 * 1024 - 10);
    let asked = 0;
    await expect(
        everyPage("The texts", async (page: number) => ({ items: [`${++asked}${large}`], next: page + 1 }), 1),
    ).rejects.toThrow(/after 9 pages and 9 entries the server names another one, and they have more than 128 MiB/);
    expect(asked).toBe(9);
});

test("a list that comes slower than anybody waits is left", async () => {
    jest.useFakeTimers();
    try {
        const list = everyPage(
            "The numbers",
            async (page: number) => {
                jest.advanceTimersByTime(20_000);
                return { items: [page], next: page + 1 };
            },
            1,
        );
        await expect(list).rejects.toThrow(/after 31 pages and 31 entries .* another one, 600 seconds after the first/);
    } finally {
        jest.useRealTimers();
    }
});
