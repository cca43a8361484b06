/** What anyone may do without a login. */
import { urlOf } from "../../../clients/http/address";
import { digestOf } from "../../../clients/zot/registry";
import type { Check } from "../check";
import { fail, notApplicable, pass, warning } from "../outcome";
import { parsed } from "../registry";

const READ = 'Give anonymousPolicy ["read"] to every pattern of accessControl.repositories.';
const NO_MORE =
    'Give anonymousPolicy ["read"] and nothing else in every pattern of accessControl.repositories; ' +
    "without http.auth anyone may do everything.";

export const anonymous: Check[] = [
    {
        id: "anonymous-catalog",
        title: "Anyone lists the repositories",
        needs: [],
        async run({ anonymous }) {
            const version = await anonymous.request("GET", "/v2/");
            const catalog = await anonymous.request("GET", "/v2/_catalog");
            const repositories =
                catalog.status === 200 ? parsed<{ repositories?: string[] | null }>(catalog)?.repositories : undefined;
            if (version.status === 200 && repositories !== undefined)
                return pass(
                    "GET /v2/ and the catalog answer 200 without a login; " +
                        `the first page of the catalog has ${repositories?.length ?? 0} repositories.`,
                );
            return fail(
                `Without a login GET /v2/ answers ${version.status} and the catalog ${catalog.status}: ` +
                    "clients without a login are locked out.",
                READ,
            );
        },
    },
    {
        id: "anonymous-pull",
        title: "Anyone pulls an image",
        needs: [],
        async run(context) {
            const { repository, tag, digest } = await context.anyTag();
            const manifest = await context.anonymous.getManifest(repository, tag);
            if (manifest.status !== 200)
                return fail(
                    `The manifest of ${repository}:${tag} is answered with ${manifest.status} without a login: ` +
                        "nodes can no longer pull.",
                    READ,
                );
            if (digestOf(manifest.text) !== digest)
                return fail(`The manifest of ${repository}:${tag} does not have the digest ${digest}.`);
            const layer = parsed<{ layers?: { digest: string }[] }>(manifest)?.layers?.[0]?.digest;
            if (layer === undefined) return pass("The manifest arrives, and matches its digest.");
            const blob = await context.anonymous.request(
                context.testUsers ? "GET" : "HEAD",
                `/v2/${repository}/blobs/${layer}`,
            );
            if (blob.status !== 200)
                return fail(`The manifest arrives, but its layer is answered with ${blob.status}.`, READ);
            if (context.testUsers && digestOf(blob.text) !== layer) return fail("The layer does not match its digest.");
            return pass("The manifest and its layer arrive without a login, and match their digests.");
        },
    },
    {
        id: "docker-challenge",
        title: "Docker is asked for its login, which it would otherwise never send",
        needs: [],
        async run({ anonymous }) {
            const answer = await anonymous.request("GET", "/v2/", {
                headers: { "user-agent": "docker/28.0.0 go/go1.24 os/linux arch/amd64" },
            });
            const challenge = answer.headers.get("www-authenticate");
            if (answer.status === 401 && challenge)
                return pass(
                    "GET /v2/ of a client named docker/… is answered with 401 and a challenge, " +
                        "so docker pushes with its login. A docker daemon without a login gives up at this " +
                        "challenge, and does not pull; other clients do.",
                );
            return warning(
                `GET /v2/ of a client named docker/… is answered with ${answer.status}: ` +
                    "docker push would not send its key, and would be refused.",
                "Use zot 2.1.16 or newer with both anonymous and other policies, and let the proxy forward User-Agent.",
            );
        },
    },
    {
        id: "anonymous-push",
        title: "Nobody pushes without a login (401)",
        needs: [],
        async run(context) {
            const probe = await context.anonymous.mayPut(context.scratch, "v0");
            if (probe.granted)
                return fail(
                    "Anyone may push without a login: anonymous has the right create, " +
                        "or there is no authentication at all.",
                    NO_MORE,
                );
            if (!context.readOnly) {
                const upload = await context.anonymous.request("POST", `/v2/${context.scratch}/blobs/uploads/`);
                const location = urlOf(upload.headers.get("location"), context.subject.registryUrl);
                if (upload.status === 202 && location) {
                    await context.anonymous.request("DELETE", location.pathname);
                    return fail("Anyone may upload without a login: anonymous has the right create.", NO_MORE);
                }
                if (upload.status !== 401)
                    return warning(
                        `An upload without a login is refused with ${upload.status} instead of 401: ` +
                            "a client would not try to log in.",
                    );
            }
            if (probe.answer.status !== 401)
                return warning(
                    `It is refused with ${probe.answer.status} instead of 401: a client would not try to log in.`,
                );
            const challenge = probe.answer.headers.get("www-authenticate");
            return challenge
                ? pass("401, with the challenge that makes a client log in.")
                : warning(
                      "401, but without the header WWW-Authenticate, which tells a client how to log in.",
                      "Let the proxy forward WWW-Authenticate.",
                  );
        },
    },
    {
        id: "anonymous-change",
        title: "Nobody changes or deletes without a login (401)",
        needs: [],
        async run(context) {
            const { repository, tag, digest } = await context.anyTag();
            const may: string[] = [];
            if ((await context.anonymous.mayPut(repository, tag)).granted) may.push("overwrite a tag");
            if ((await context.anonymous.mayPut(repository, `${digest}?tag=${tag}`)).granted)
                may.push("move a tag by a digest");
            if ((await context.anonymous.mayDelete(repository)).granted) may.push("delete");
            if (may.length > 0) return fail(`Anyone may ${may.join(", and ")} without a login.`, NO_MORE);
            return pass("Overwriting a tag, moving it by a digest, and deleting are all refused.");
        },
    },
    {
        id: "wrong-key",
        title: "A wrong key is refused, also where anyone may read",
        needs: [],
        async run({ anonymous, subject }) {
            const answer = await anonymous.request("GET", "/v2/_catalog", {
                headers: {
                    authorization: `Basic ${Buffer.from(`${subject.ciUser}:zak_00000000000000000000000000000000`).toString("base64")}`,
                },
            });
            if (answer.status === 401)
                return pass("401: a client learns that its key is wrong, instead of continuing as anonymous.");
            if (answer.status === 200)
                return fail(
                    "A made-up key is accepted, or ignored: " +
                        "the registry has no authentication, or a proxy drops the header.",
                    "Set http.auth (openid) in zot's config, and let the proxy forward Authorization.",
                );
            throw notApplicable(`It answered ${answer.status}.`);
        },
    },
];
