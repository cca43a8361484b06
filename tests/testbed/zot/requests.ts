/** Random requests to a registry, as data: the same ones can be sent to two of them, and their answers compared. */
import * as fc from "fast-check";
import { type Answer, type Credentials, digestOf, manifestType, type RunningZot } from "./zots";

export const indexType = "application/vnd.oci.image.index.v1+json";
export const configType = "application/vnd.oci.image.config.v1+json";
export const emptyType = "application/vnd.oci.empty.v1+json";
export const layerType = "application/vnd.oci.image.layer.v1.tar";
export const dockerType = "application/vnd.docker.distribution.manifest.v2+json";

/** One request; `upload` and `key` name one of the uploads and API keys that earlier requests of the sequence made, by its number. */
export interface Sent {
    method: string;
    target: string;
    headers?: Record<string, string>;
    body?: string;
    /** Index of a user; absent: anonymous. */
    as?: number | undefined;
    upload?: number;
    /** For `{key}` in the target. */
    key?: number;
    /** Such a key in place of a user's own. */
    asKey?: number | undefined;
}

/** What of an answer must be the same: identifiers that a registry draws are numbered, times are left out. */
export interface Received {
    status: number;
    headers: Record<string, string | string[] | undefined>;
    body: string;
}

interface MadeKey {
    uuid: string;
    as: Credentials;
}

/** Sends a sequence and answers what came back. */
export async function exchange(
    server: RunningZot,
    sequence: readonly Sent[],
    users: readonly Credentials[] = [],
): Promise<Received[]> {
    const uploads: string[] = [];
    const keys: MadeKey[] = [];
    const names = new Map<string, string>();
    const received: Received[] = [];
    for (const { method, target, headers = {}, body, as, upload, key, asKey } of sequence) {
        const numbered = <T>(list: readonly T[], index: number) => list[index % Math.max(1, list.length)];
        const place = target.replace("{key}", () => numbered(keys, key ?? 0)?.uuid ?? "none");
        const user = as === undefined ? undefined : numbered(users, as);
        const own = asKey === undefined ? undefined : numbered(keys, asKey)?.as;
        const answer = await server.request(
            method,
            upload === undefined ? place : `${numbered(uploads, upload) ?? "/v2/none/blobs/uploads/none"}${place}`,
            {
                headers,
                ...(body !== undefined && { body }),
                as: own ?? user,
            },
        );
        if (answer.status === 202 && method === "POST" && answer.headers.location)
            uploads.push(answer.headers.location);
        if (answer.status === 201 && target.startsWith("/zot/auth/apikey")) {
            const made = JSON.parse(answer.body.toString()) as { uuid: string; apiKey: string };
            keys.push({ uuid: made.uuid, as: [(own ?? user ?? [""])[0], made.apiKey] });
        }
        received.push(normalized(answer, names));
    }
    return received;
}

/** What each says of itself, the words of zot's JSON Schema library, keys, and pages: only that they are there is compared. */
const withoutWords = (text: string) =>
    text
        .replace(/"(jsonSchemaValidation|commit|binaryType)":"(?:[^"\\]|\\.)*"/g, '"$1":"words"')
        .replace(/zak_[0-9a-f]{32}/g, "key")
        .replace(/^# HELP .*$/s, "metrics")
        .replace(/^\s*<(!doctype )?html.*$/is, "page");

/** A user's keys come in no order. */
function inOrder(text: string): string {
    if (!text.startsWith('{"apiKeys":[')) return text;
    const { apiKeys } = JSON.parse(text) as { apiKeys: { createdAt: string }[] };
    return JSON.stringify({
        apiKeys: apiKeys.sort(
            (one, other) =>
                Date.parse(one.createdAt) - Date.parse(other.createdAt) || (one.createdAt < other.createdAt ? -1 : 1),
        ),
    });
}

const UNCOMPARED = ["date", "connection", "keep-alive", "transfer-encoding"];

function normalized({ status, headers, body }: Answer, names: Map<string, string>): Received {
    const without = (text: string) =>
        text
            .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
                if (!names.has(id)) names.set(id, `id-${names.size}`);
                return names.get(id) as string;
            })
            .replace(/(boundary=|--)[0-9a-f]{60}/g, "$1boundary")
            .replace(/(?!0001|212)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, "time");
    const text = without(withoutWords(inOrder(body.toString())));
    const left = text === body.toString() ? UNCOMPARED : [...UNCOMPARED, "content-length"];
    const kept = Object.entries(headers).filter(([name]) => !left.includes(name));
    return {
        status,
        headers: Object.fromEntries(
            kept.map(([name, value]) => [name, Array.isArray(value) ? value.map(without) : value && without(value)]),
        ),
        body: text,
    };
}

/** Contents of one sequence: blobs, and manifests of several kinds over them, none of which another sequence has. */
export function contentsOf(run: string) {
    const config = JSON.stringify({
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers", diff_ids: [] },
        run,
    });
    const blobs = [config, `layer one of ${run}`, `layer two of ${run}`, "{}", ""];
    const descriptor = (mediaType: string, content: string) => ({
        mediaType,
        digest: digestOf(content),
        size: Buffer.byteLength(content),
    });
    const image = (text: string, more: object = {}) =>
        JSON.stringify({
            schemaVersion: 2,
            mediaType: manifestType,
            config: descriptor(configType, config),
            layers: [descriptor(layerType, blobs[1] as string)],
            annotations: { text: `${text} of ${run}` },
            ...more,
        });
    const [one, two] = [
        image("one"),
        image("two", {
            layers: [descriptor(layerType, blobs[1] as string), descriptor(layerType, blobs[2] as string)],
        }),
    ];
    const subject = descriptor(manifestType, one);
    const empty = descriptor(emptyType, "{}");
    const index = (...children: string[]) =>
        JSON.stringify({
            schemaVersion: 2,
            mediaType: indexType,
            manifests: children.map((child) => descriptor(manifestType, child)),
            annotations: { run },
        });
    const artifact = JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        artifactType: "application/vnd.example+type",
        config: empty,
        layers: [empty],
        subject,
        annotations: { run },
    });
    const manifests: { content: string; type: string }[] = [
        { content: one, type: manifestType },
        { content: two, type: manifestType },
        { content: artifact, type: manifestType },
        { content: image("signature", { subject }), type: manifestType },
        { content: image("typed", { artifactType: "application/vnd.example+type" }), type: manifestType },
        { content: index(one, two), type: indexType },
        { content: index(), type: indexType },
        {
            content: JSON.stringify({
                ...(JSON.parse(index(one)) as object),
                subject,
                artifactType: "application/vnd.example+type",
            }),
            type: indexType,
        },
        {
            content: image("missing", { layers: [descriptor(layerType, `never pushed in ${run}`)] }),
            type: manifestType,
        },
        { content: image("no list", { layers: undefined }), type: manifestType },
        { content: image("no layers", { layers: [] }), type: manifestType },
        {
            content: image("other config", { config: descriptor("application/vnd.example.config+json", config) }),
            type: manifestType,
        },
        {
            content: image("other config, missing", {
                config: descriptor("application/vnd.example.config+json", `no such config in ${run}`),
            }),
            type: manifestType,
        },
        { content: image("version one", { schemaVersion: 1 }), type: manifestType },
        { content: image("no type", { mediaType: undefined }), type: manifestType },
        { content: image("docker", { mediaType: dockerType }), type: dockerType },
        {
            content: image("half a digest", { layers: [{ mediaType: layerType, digest: "sha256:abc", size: 1 }] }),
            type: manifestType,
        },
        {
            content: image("text for a number", {
                layers: [{ ...descriptor(layerType, blobs[1] as string), size: "5" }],
            }),
            type: manifestType,
        },
        {
            content: image("wrong size", { layers: [{ ...descriptor(layerType, blobs[1] as string), size: 1 }] }),
            type: manifestType,
        },
        {
            content: image("subject unknown", { subject: descriptor(manifestType, `unknown in ${run}`) }),
            type: manifestType,
        },
        { content: one, type: indexType },
        { content: index(one), type: manifestType },
        { content: "[]", type: manifestType },
        { content: "null", type: manifestType },
        { content: "{", type: manifestType },
        { content: "", type: manifestType },
        { content: one, type: "application/json" },
        { content: one, type: `${manifestType}; charset=utf-8` },
    ];
    return { blobs, manifests };
}

const references = [
    "v1",
    "v2",
    "latest",
    "V1.0_x-y",
    "x".repeat(128),
    "x".repeat(129),
    ".bad",
    "-bad",
    "sha256:abc",
    "SHA256:abc",
    "md5:abc",
    "v1:x",
    "%76%31",
    "v%2f1",
    "a b",
].map((reference) => (reference.includes("%") ? reference : encodeURIComponent(reference).replaceAll("%3A", ":")));

/** A sequence of requests below `/v2/<run>/`, for `users` users and anonymous. */
export function sequences(run: string, users: number): fc.Arbitrary<Sent[]> {
    const { blobs, manifests } = contentsOf(run);
    const repository = fc.constantFrom("a", "a/b", "b", "c-d/e.f__g").map((name) => `${run}/${name}`);
    const as =
        users === 0
            ? fc.constant(undefined)
            : fc.oneof(
                  { weight: 3, arbitrary: fc.constantFrom(1, 2) },
                  { weight: 1, arbitrary: fc.option(fc.nat(users - 1), { nil: undefined }) },
              );
    const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>) =>
        fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: odd });
    const tag = mostly(fc.constantFrom("v1", "v2", "latest"), fc.constantFrom(...references));
    const manifest = mostly(fc.constantFrom(...manifests.slice(0, 8)), fc.constantFrom(...manifests));
    const blob = fc.constantFrom(...blobs);
    const someDigest = fc.oneof(
        manifest.map(({ content }) => digestOf(content)),
        blob.map(digestOf),
        fc.constantFrom(digestOf(`unknown in ${run}`), "sha256:abc", "nonsense", `sha512:${"a".repeat(128)}`),
    );
    const reference = fc.oneof(
        tag,
        manifest.map(({ content }) => digestOf(content)),
        mostly(
            manifest.map(({ content }) => digestOf(content)),
            someDigest,
        ),
    );
    const query = (names: Record<string, fc.Arbitrary<string | undefined>>) =>
        fc.record(names).map((values) => {
            const pairs = Object.entries(values).flatMap(([name, value]) =>
                value === undefined ? [] : [`${name}=${value}`],
            );
            return pairs.length > 0 ? `?${pairs.join("&")}` : "";
        });
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });
    const headersOf = (values: Record<string, string | undefined>) =>
        Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined));

    const putBlob = fc
        .tuple(
            repository,
            blob,
            mostly(fc.constant("application/octet-stream"), fc.constantFrom("text/plain", "")),
            mostly(fc.constant(""), someDigest),
        )
        .map(([name, content, type, digest]): Sent[] => [
            {
                method: "POST",
                target: `/v2/${name}/blobs/uploads/?digest=${digest || digestOf(content)}`,
                headers: headersOf({ "Content-Type": type || undefined }),
                body: content,
            },
        ]);
    const putManifest = fc
        .tuple(
            repository,
            manifest,
            fc.oneof(tag, fc.constant("")),
            maybe(fc.array(tag, { minLength: 1, maxLength: 3 })),
        )
        .map(([name, { content, type }, to, tags]): Sent[] => [
            {
                method: "PUT",
                target: `/v2/${name}/manifests/${to || digestOf(content)}${tags ? `?${tags.map((each) => `tag=${each}`).join("&")}` : ""}`,
                headers: { "Content-Type": type },
                body: content,
            },
        ]);
    /** The blobs first, so that most manifests find what they name. */
    const pushAll = fc
        .tuple(repository, fc.constantFrom(...manifests.slice(0, 8)), tag)
        .map(([name, { content, type }, to]): Sent[] => [
            ...blobs.map(
                (each): Sent => ({
                    method: "POST",
                    target: `/v2/${name}/blobs/uploads/?digest=${digestOf(each)}`,
                    headers: { "Content-Type": "application/octet-stream" },
                    body: each,
                }),
            ),
            { method: "PUT", target: `/v2/${name}/manifests/${to}`, headers: { "Content-Type": type }, body: content },
        ]);
    const onManifest = fc
        .tuple(
            fc.constantFrom("GET", "GET", "HEAD", "DELETE", "DELETE", "POST", "PATCH", "OPTIONS"),
            repository,
            reference,
            maybe(fc.constantFrom("application/json", manifestType, indexType, "*/*")),
        )
        .map(([method, name, to, accept]): Sent[] => [
            { method, target: `/v2/${name}/manifests/${to}`, headers: headersOf({ Accept: accept }) },
        ]);
    const range = maybe(
        fc.constantFrom(
            "bytes=0-3",
            "bytes=2-",
            "bytes=-3",
            "bytes=0-999",
            "bytes=999-",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=",
            "bytes=a-b",
            "bytes=0-0",
        ),
    );
    const onBlob = fc
        .tuple(
            fc.constantFrom("GET", "GET", "HEAD", "HEAD", "DELETE", "PUT", "OPTIONS"),
            repository,
            fc.oneof(blob.map(digestOf), someDigest),
            range,
        )
        .map(([method, name, digest, wanted]): Sent[] => [
            { method, target: `/v2/${name}/blobs/${digest}`, headers: headersOf({ Range: wanted }) },
        ]);
    const begin = fc
        .tuple(repository, query({ mount: maybe(someDigest), from: maybe(repository) }))
        .map(([name, wanted]): Sent[] => [
            { method: "POST", target: `/v2/${name}/blobs/uploads/${wanted}`, headers: { "Content-Length": "0" } },
        ]);
    const contentRange = maybe(fc.constantFrom("0-4", "5-9", "0-0", "0-999", "4-0", "bytes 0-4/10", "x", "5-", "-5"));
    const continued = fc
        .tuple(
            fc.constantFrom("PATCH", "PATCH", "PATCH", "GET", "DELETE", "POST"),
            fc.nat(3),
            fc.constantFrom("01234", "56789", "", "x"),
            contentRange,
            maybe(fc.constantFrom("application/octet-stream", "text/plain")),
        )
        .map(([method, upload, body, place, type]): Sent[] => [
            {
                method,
                upload,
                target: "",
                headers: headersOf({ "Content-Range": place, "Content-Type": type }),
                ...(method === "PATCH" && { body }),
            },
        ]);
    const finished = fc
        .tuple(
            fc.nat(3),
            fc.oneof(blob, fc.constantFrom("01234", "0123456789")),
            fc.boolean(),
            contentRange,
            mostly(fc.constant(""), someDigest),
        )
        .map(([upload, content, sends, place, digest]): Sent[] => [
            {
                method: "PUT",
                upload,
                target: `?digest=${digest || digestOf(content)}`,
                headers: headersOf({ "Content-Range": place }),
                body: sends ? content : "",
            },
        ]);
    const lists = fc.oneof(
        fc
            .tuple(
                repository,
                query({
                    n: maybe(fc.constantFrom("0", "1", "2", "100", "-1", "x", "", "1.5", "+1", "99999999999999999999")),
                    last: maybe(fc.constantFrom("v1", "latest", "none", "")),
                }),
            )
            .map(([name, wanted]): Sent[] => [{ method: "GET", target: `/v2/${name}/tags/list${wanted}` }]),
        fc
            .tuple(
                repository,
                someDigest,
                query({
                    artifactType: maybe(
                        fc.constantFrom(
                            "application/vnd.example+type",
                            "application/vnd.example%2Btype",
                            configType,
                            emptyType,
                            "",
                        ),
                    ),
                }),
            )
            .map(([name, digest, wanted]): Sent[] => [
                { method: "GET", target: `/v2/${name}/referrers/${digest}${wanted}` },
            ]),
    );
    const odd = fc
        .tuple(
            fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"),
            fc.constantFrom(
                "/v2",
                "/v2/",
                "/",
                `/v2/${run}`,
                `/v2/${run}/`,
                `/v2/${run}/UPPER/tags/list`,
                `/v2/${run}//a/tags/list`,
                `/v2/${run}/a/../b/tags/list`,
                `/v2/${run}/a/tags`,
                `/v2/${run}/a/tags/list/`,
                `/v2/${run}/a/manifests/`,
                `/v2/${run}/a/manifests`,
                `/v2/${run}/a/blobs/`,
                `/v2/${run}/a/blobs/uploads`,
                `/v2/${run}/a/blobs/uploads/none`,
                `/v2/${run}/a/blobs/uploads/00000000-0000-0000-0000-000000000000`,
                `/v2/${run}/a%2fb/tags/list`,
                `/v2/${run}/a_/tags/list`,
                `/v2/${run}/-a/tags/list`,
                `/v2/${run}/${"x".repeat(300)}/tags/list`,
                `/v2/${run}/a/referrers/`,
                "/v2/_oci/ext/discover",
                "/v2/_zot/ext/mgmt",
                "/v2/_zot/ext/mgmt/x",
                "/login",
                "/index.html",
                "/home/x",
                "/static/x.js",
                "/healthz",
                "/livez",
                "/metrics",
                "/zot/auth/apikey",
            ),
        )
        .map(([method, target]): Sent[] => [{ method, target }]);

    const date = fc.constantFrom(
        "2126-12-31T00:00:00Z",
        "2126-12-31T00:00:00.5+02:00",
        "2020-01-01T00:00:00Z",
        "2126-12-31",
        "2126-12-31T00:00:00",
        "2126-12-31 00:00:00Z",
        "",
        "soon",
        "2126-13-31T00:00:00Z",
        "2126-02-30T00:00:00Z",
        "2126-12-31T24:00:00Z",
        "2126-12-31t00:00:00z",
        "0001-01-01T00:00:00Z",
        "2126-12-31T00:00:00+0200",
    );
    const newKey = fc.oneof(
        fc
            .record(
                {
                    label: fc.constantFrom<unknown>(`key of ${run}`, "", 5, null),
                    scopes: fc.constantFrom<unknown>([], ["a"], "all", null, [1]),
                    expirationDate: mostly<unknown>(date, fc.constantFrom<unknown>(5, null)),
                },
                { requiredKeys: [] },
            )
            .map((value) => JSON.stringify(value)),
        fc.constantFrom(
            "",
            "{",
            "[]",
            "null",
            "5",
            "{}{}",
            "{} x",
            `{"label":"twice","label":"${run}"}`,
            `{"LABEL":"${run} in capitals"}`,
            `{"unknown":1}`,
            JSON.stringify({ label: "x".repeat(8200) }),
        ),
    );
    const page = maybe(fc.constant("zot-ui"));
    const onKeys = fc
        .oneof(
            fc.tuple(newKey, page).map(
                ([body, client]): Sent => ({
                    method: "POST",
                    target: "/zot/auth/apikey",
                    headers: headersOf({ "X-ZOT-API-CLIENT": client }),
                    body,
                }),
            ),
            page.map(
                (client): Sent => ({
                    method: "GET",
                    target: "/zot/auth/apikey",
                    headers: headersOf({ "X-ZOT-API-CLIENT": client }),
                }),
            ),
            fc
                .tuple(fc.nat(3), fc.constantFrom("?id={key}", "?id={key}", "?id=none", "", "?id=", "?id=a&id=b"))
                .map(([key, wanted]): Sent => ({ method: "DELETE", key, target: `/zot/auth/apikey${wanted}` })),
            fc
                .constantFrom("PUT", "OPTIONS", "HEAD", "PATCH")
                .map((method): Sent => ({ method, target: "/zot/auth/apikey" })),
            fc
                .constantFrom(
                    "/zot/auth/apikey/",
                    "/zot/auth/apikeys",
                    "/zot/auth/login",
                    "/zot/auth/logout",
                    "/zot/auth/callback/oidc",
                    "/zot/auth/callback/oidc?error=access_denied",
                    "/zot/auth/login?provider=none",
                    "/zot/auth/callback/none",
                )
                .map((target): Sent => ({ method: "GET", target })),
            fc
                .constantFrom("/zot/auth/logout", "/zot/auth/login", "/zot/auth/callback/oidc")
                .map((target): Sent => ({ method: "POST", target })),
        )
        .map((sent) => [sent]);
    /** Ways to say who one is, most of them wrong. */
    const strange = fc
        .tuple(
            fc.constantFrom(
                "/v2/",
                `/v2/${run}/a/tags/list`,
                "/v2/_catalog?last=zzz",
                "/metrics",
                "/zot/auth/apikey",
                "/v2/_zot/ext/mgmt",
            ),
            fc.record(
                {
                    Authorization: fc.constantFrom(
                        "Basic",
                        "Basic ",
                        "Basic !!!",
                        "Basic Og==",
                        "basic og==",
                        "Bearer x",
                        "Bearer",
                        "Negotiate x",
                        "Basic YTpi",
                        "Basic YQ==",
                        "Basic emFrXzphYmM=",
                        "x",
                        `Basic ${Buffer.from("a:zak_00000000000000000000000000000000").toString("base64")}`,
                    ),
                    "User-Agent": fc.constantFrom(
                        "docker/27.3.1 go/go1.22",
                        "Docker-Client/27.3.1 (linux)",
                        "containerd/2.0",
                        "skopeo/1.16",
                    ),
                    "X-ZOT-API-CLIENT": fc.constantFrom("zot-ui", "other"),
                    Origin: fc.constant("https://elsewhere.example.org"),
                    Cookie: fc.constantFrom("session=x", "session=", "user=root; session=MTIz"),
                },
                { requiredKeys: [] },
            ),
        )
        .map(([target, headers]): Sent[] => [{ method: "GET", target, headers }]);

    const one = fc.oneof(
        { weight: 3, arbitrary: pushAll },
        { weight: 2, arbitrary: putBlob },
        { weight: 4, arbitrary: putManifest },
        { weight: 5, arbitrary: onManifest },
        { weight: 4, arbitrary: onBlob },
        { weight: 2, arbitrary: begin },
        { weight: 3, arbitrary: continued },
        { weight: 2, arbitrary: finished },
        { weight: 3, arbitrary: lists },
        { weight: 2, arbitrary: odd },
        { weight: users > 0 ? 3 : 0, arbitrary: onKeys },
        { weight: 2, arbitrary: strange },
    );
    /** Now and then with a key that was made on the way. */
    const asKey =
        users === 0
            ? fc.constant(undefined)
            : fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(3) });
    return fc
        .array(
            fc.tuple(one, as, asKey).map(([sent, who, key]) =>
                sent.map(
                    (each): Sent => ({
                        ...each,
                        ...(who !== undefined && { as: who }),
                        ...(key !== undefined && { asKey: key }),
                    }),
                ),
            ),
            { minLength: 5, maxLength: 25 },
        )
        .map((parts) => parts.flat());
}
