/** Pull-through caches that may fill any repository, and the folder that each can be given. */
import { cachesOf, cachesWithoutFolder, patternsOfCache, withFolders } from "../../components/zotConfig";
import type { Json, JsonMap } from "../../components/zotJson";

const config = (...registries: Json[]): JsonMap => ({ extensions: { sync: { enable: true, registries } } });
const cache = (url: string, more: JsonMap = {}): JsonMap => ({ urls: [url], onDemand: true, ...more });

describe("a cache without a folder", () => {
    test.each<[what: string, registry: JsonMap, folder: string]>([
        ["says nothing of what it fills", cache("https://quay.io"), "quay.io"],
        ["has an empty list of contents", cache("https://quay.io/", { content: [] }), "quay.io"],
        ["fills all, at no destination", cache("https://ghcr.io", { content: [{ prefix: "**" }] }), "ghcr.io"],
        [
            "fills all, at the root",
            cache("https://ghcr.io", { content: [{ prefix: "/**", destination: "/" }] }),
            "ghcr.io",
        ],
        ["is Docker Hub, by its name for images", cache("https://registry-1.docker.io"), "docker.io"],
        ["is Docker Hub by another address", cache("https://index.docker.io"), "docker.io"],
        ["has a port and a path", cache("http://mirror.example:5000/hub"), "mirror.example"],
    ])("%s", (_what, registry, folder) => {
        const found = config(registry);
        expect(cachesWithoutFolder(found)).toEqual([{ address: expect.any(String), folder }]);
        const moved = withFolders(found);
        expect(cachesWithoutFolder(moved)).toEqual([]);
        const [after] = (moved.extensions as { sync: { registries: Json[] } }).sync.registries;
        expect(patternsOfCache(after!)).toEqual([`${folder}/**`]);
    });

    test.each<[what: string, registry: JsonMap]>([
        ["has one", cache("https://quay.io", { content: [{ prefix: "**", destination: "/quay.io" }] })],
        ["fills a part only", cache("https://quay.io", { content: [{ prefix: "coreos/**" }] })],
        ["strips its prefix", cache("https://quay.io", { content: [{ prefix: "**", stripPrefix: true }] })],
        ["has an address that is none", cache("quay.io")],
    ])("but not one that %s", (_what, registry) => {
        const found = config(registry);
        expect(cachesWithoutFolder(found)).toEqual([]);
        expect(withFolders(found)).toEqual(found);
    });

    test("becomes an item of zot.mirrors where nothing else is in the way; keys are read in any case", () => {
        const found: JsonMap = {
            Extensions: { Sync: { Registries: [{ URLs: ["https://quay.io"], OnDemand: true }] } },
        };
        expect(cachesOf(withFolders(found))).toEqual({
            mirrors: [{ url: "https://quay.io", prefix: "quay.io" }],
            others: [],
        });
    });

    test("what is switched off, and other registries of the config, stay as they are", () => {
        const off = { extensions: { sync: { enable: false, registries: [cache("https://quay.io")] } } };
        expect(withFolders(off)).toEqual(off);
        const own = cache("https://ghcr.io", { content: [{ prefix: "**", destination: "/own" }] });
        const both = withFolders({ ...config(own, cache("https://quay.io")), storage: { rootDirectory: "/a" } });
        expect((both.extensions as { sync: { registries: Json[] } }).sync.registries[0]).toEqual(own);
        expect(both.storage).toEqual({ rootDirectory: "/a" });
        expect(withFolders({})).toEqual({});
    });
});
