/** The one list of what a secret looks like. */
import * as fc from "fast-check";
import { isSecretHeader, isSecretKey, secretIn, withoutSecrets, withoutSecretsIn } from "../../../components/settings";

test.each([
    ...[
        "password",
        "bindPassword",
        "sentinel_password",
        "clientSecret",
        "secretkey",
        "AccessKey",
        "accesskeyid",
        "sessiontoken",
        "SessionToken",
    ],
    ...[
        "private_key",
        "accountkey",
        "X-Api-Key",
        "Authorization",
        "hashKey",
        "encryptKey",
        "connectionString",
        "credentials",
        "token",
        "Cookie",
    ],
    ...["X-Hub-Signature-256", ".dockerconfigjson"],
    ...["hmacKey", "routing_key", "integrationKey", "x-functions-key", "licenseKey", "jwt", "passcode"],
])("a key that holds a secret: %s", (key) => expect(isSecretKey(key)).toBe(true));

test.each([
    ...[
        "credentialsFile",
        "clientSecretFile",
        "sessionKeysFile",
        "keyfile",
        "key",
        "keyPath",
        "tokenURL",
        "subjectTokenType",
        "assertionFile",
        "username",
    ],
    ...[
        "keyprefix",
        "keepTags",
        "secureSession",
        "credentialHelper",
        "keyid",
        "patterns",
        "cert",
        "secretName",
        "compat",
        "accountname",
        "clientid",
    ],
])("a key that holds none: %s", (key) => expect(isSecretKey(key)).toBe(false));

test("headers are secret but for those that say what is sent", () => {
    expect(["X-Hook", "Authorization", "x-gitlab-token"].map(isSecretHeader)).toEqual([true, true, true]);
    expect(["Content-Type", "accept", "User-Agent"].map(isSecretHeader)).toEqual([false, false, false]);
});

/**
 * By a form that each service gives its own; put together here, so that no scanner of secrets stumbles over this file.
 */
const SECRETS: [kind: string, text: string][] = [
    ["userinfo", "https://user:canary-canary@host/path"],
    ["a token before the host", "https://canary-canary@host/path"],
    ["no user name", "redis://:canary-canary@host:6379/0"],
    ["an address without a scheme", "//canary-canary@host/"],
    ["a parameter", "https://host/hook?a=1&access_token=canary-canary"],
    ["a signature", "https://host/container?sv=1&sig=canary-canary%3D"],
    ["a key of zot", `zak_${"0123456789abcdef".repeat(2)}`],
    ["a token of GitHub", `ghp_${"c".repeat(36)}`],
    ["a token of GitLab", `glpat-${"c".repeat(20)}`],
    ["a key of AWS", `AKIA${"C".repeat(16)}`],
    ["a key of Google", `AIza${"c".repeat(35)}`],
    ["a key of Azure", "AccountName=a;AccountKey=canary/canary==;EndpointSuffix=core"],
    ["a token of Slack", `xoxb-${"1".repeat(12)}-canary`],
    ["a webhook", "https://hooks.slack.com/services/T0/B0/canary-canary"],
    ["a JSON web token", `eyJ${"c".repeat(20)}.eyJ${"c".repeat(20)}.canary`],
    ["a header's value", "Bearer 0123canary4567"],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----"],
    ["half a private key", "-----BEGIN PRIVATE KEY-----\ncanary"],
    ["a private key of PGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\ncanary\n-----END PGP PRIVATE KEY BLOCK-----"],
    ["a private key of PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\ncanary"],
    ["a webhook of Mattermost", `https://chat.example.org/hooks/${"canary0".repeat(4)}`],
    ["a webhook of Rocket.Chat", `https://chat.example.org/hooks/5f0c/${"canary0".repeat(4)}`],
    ["a webhook of Zapier", "https://hooks.zapier.com/hooks/catch/123456/canary/"],
    ["a webhook of Slack for offices", "https://hooks.slack-gov.com/services/T0/B0/canary-canary"],
    ["a webhook of IFTTT", "https://maker.ifttt.com/trigger/x/with/key/canary0canary0"],
    ["a bot of Telegram", `https://api.telegram.org/bot123456789:${"c".repeat(35)}/sendMessage`],
    ["a token of Vault", `hvs.${"c".repeat(30)}`],
    ["a token of Grafana", `glsa_${"c".repeat(32)}_0123abcd`],
    ["a key of SendGrid", `SG.${"c".repeat(22)}.${"c".repeat(43)}`],
    ["a key of Stripe", `sk_live_${"c".repeat(24)}`],
    ["a token of Hugging Face", `hf_${"c".repeat(34)}`],
    ["a token of DigitalOcean", `dop_v1_${"0123abcd".repeat(8)}`],
    ["a password's hash", `$2y$05$${"c".repeat(53)}`],
    ["a password's hash of Apache", `user:$apr1$abcdefgh$${"c".repeat(22)}`],
    ["a password's hash of LDAP", `{SSHA}${"canary0".repeat(4)}`],
    ["a password's hash of Werkzeug", `pbkdf2:sha256:260000$abc$${"canary0".repeat(4)}`],
    ["a database's connection", "host=db user=zot password=canary-canary dbname=zot"],
    ["a database's connection in Go", "zot:canary-canary@tcp(db:3306)/zot"],
    ["a connection of Application Insights", "InstrumentationKey=canary-canary;IngestionEndpoint=https://host"],
    ["a secret of Entra", `abc8Q~${"c".repeat(34)}`],
    ["a client secret of Google", `GOCSPX-${"c".repeat(28)}`],
    ["an app's token of Slack", `xapp-1-A01-123456-${"0123abcd".repeat(5)}`],
    ["a webhook's key of Stripe", `whsec_${"c".repeat(32)}`],
    ["a key of Twilio", `SK${"0123abcd".repeat(4)}`],
    ["a key of Mailgun", `key-${"0123abcd".repeat(4)}`],
    ["a key of Tailscale", `tskey-auth-${"c".repeat(12)}-${"c".repeat(32)}`],
    ["a token of Doppler", `dp.pt.${"c".repeat(43)}`],
    ["a token of Shopify", `shpat_${"0123abcd".repeat(4)}`],
    ["a token of SonarQube", `sqp_${"0123abcd".repeat(5)}`],
    ["a token of Databricks", `dapi${"0123abcd".repeat(4)}`],
    ["a token of Dynatrace", `dt0c01.${"C".repeat(24)}.${"C".repeat(64)}`],
    ["a token of Terraform", `${"c".repeat(14)}.atlasv1.${"c".repeat(60)}`],
    ["a token of Matrix", `syt_${"c".repeat(10)}_${"c".repeat(20)}_cccccc`],
    ["a token of crates.io", `cio${"c".repeat(32)}`],
    ["a key of Artifactory", `AKCp${"c".repeat(69)}`],
    ["an encrypted web token", `eyJ${"c".repeat(20)}.${"c".repeat(40)}.cccc.cccc.cccc`],
    ["a webhook of PagerDuty", `https://events.pagerduty.com/integration/${"canary0".repeat(4)}/enqueue`],
    ["a webhook of n8n", `https://n8n.example.org/webhook/${"canary0".repeat(4)}`],
    ["a header's value in small letters", `authorization: token ${"0123abcd".repeat(5)}`],
    ["a header's value without a digit", "Basic dXNlcjpjYW5h"],
    ["a short one", "Authorization: Basic YTpi"],
    ["one of another scheme", `Authorization: ApiKey ${"canary0".repeat(4)}`],
    ["a login in docker's config", JSON.stringify({ auth: Buffer.from("ci:a long password").toString("base64") })],
    ["a login in base64", Buffer.from("ci:correct-horse").toString("base64")],
    ["a login of curl and git", "machine registry.example.org login ci password canary-canary"],
    ["a variable", `FORGE_TOKEN=${"canary0".repeat(3)}`],
    ["a line of a file of Amazon's", `aws_secret_access_key = ${"canary0".repeat(6)}`],
    ["a line of YAML", `ZOT_PASSWORD: "${"canary0".repeat(3)}"`],
    ["a line of .npmrc", `//npm.example.org/:_authToken=${"canary0".repeat(5)}`],
    ["another header", `X-Api-Key: ${"canary0".repeat(4)}`],
    ["a cookie", `Set-Cookie: authentik_session=${"canary0".repeat(4)}; Path=/`],
    ["an option", `tool --password ${"canary0".repeat(3)}`],
    ["a password with a slash in it", "postgres://ci:canary/canary@db/x"],
    ["a password with a question mark in it", "redis://:canary?canary@cache.example.org:6379"],
    ["a password with a number sign in it", "redis://zot:canary#1@cache.example.org:6379/0"],
    ["an address in an address", "https%3A%2F%2Fci%3Acanary-canary%40registry.example.org"],
    ["a parameter in a parameter", `https://host/?next=https%3A%2F%2Fhost%2F%3Ftoken%3D${"canary0".repeat(3)}`],
    ["a private key in base64", Buffer.from(`-----BEGIN PRIVATE KEY-----\n${"canary0".repeat(5)}`).toString("base64")],
    ["a private key of SSH2", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\ncanary"],
    ["a key of minisign", `minisign encrypted secret key\n${"canary0".repeat(6)}`],
    ["a key of age for later", `AGE-SECRET-KEY-PQ-1${"Q".repeat(58)}`],
    ["a key of a plugin of age", `AGE-PLUGIN-YUBIKEY-1${"Q".repeat(40)}`],
    ["an encrypted web token without a key", `eyJ${"c".repeat(20)}..${"c".repeat(16)}.${"c".repeat(30)}.cccc`],
    ["a trigger of Slack", "https://hooks.slack.com/triggers/T0/1/canary-canary"],
    ["a token of RubyGems", `rubygems_${"0123abcd".repeat(6)}`],
    ["a key of NuGet", `oy2${"c".repeat(43)}`],
    ["a token of Sentry", `sntrys_${"c".repeat(60)}`],
    ["a token of Atlassian", `ATATT3xFfGF0${"c".repeat(60)}`],
    ["a token of Bitbucket", `ATBB${"c".repeat(32)}`],
    ["a refresh token of Google", `1//0${"c".repeat(60)}`],
    ["a password's hash of PostgreSQL", `SCRAM-SHA-256$4096:${"canary0".repeat(3)}$${"canary0".repeat(6)}:abc=`],
];

test.each(SECRETS)("is found in a text, and hidden: %s", (_kind, secret) => {
    const text = `before ${secret} after`;
    expect(secretIn(text)).toBeDefined();
    const hidden = withoutSecrets(text);
    expect(hidden).toContain("[hidden]");
    expect(hidden).not.toContain(secret);
    expect(hidden).not.toMatch(/canary/);
    expect(secretIn(hidden.replaceAll("[hidden]@", "").replaceAll("=[hidden]", ""))).toBeUndefined();
});

test.each([
    ["an address", "https://registry.example.org:5000/a/b?page=2&last=x"],
    ["an image by its digest", "docker.io/library/alpine@sha256:0123456789abcdef"],
    ["an e-mail address", "someone@example.org"],
    ["a sentence", "Basic authentication is required; a token has to be given: Bearer of the news"],
    ["a pattern", "team/**"],
    ["a condition", 'req.token == "x" && password==secret'],
    ["a path", "https://registry.example.org/v2/team/webhook/manifests/latest"],
    ["names of keys", "key-value, SKU, shp, dapi, basic authentication-of-the-whole-registry"],
    ["a duration", "24h"],
    ["words in base64", Buffer.from("a longer text without any").toString("base64")],
    ["a hash", "0123456789abcdef0123456789abcdef01234567 sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc="],
    ["a state", "the token: expired-on-monday; password: wrong or expired; secret: /etc/zot/oidc.0123abcd.json"],
    ["a variable that is to be set", "AUTHENTIK_TOKEN=$TOKEN_OF_2026_FIRST or --token-file /run/secrets/token-2026"],
    ["an address with a port", "https://host:8443/a/b, which someone@example.org looks after"],
    ["an address with a port and a query", "https://host:8443?page=2, which someone@example.org looks after"],
])("is not found in %s", (_kind, text) => {
    expect(secretIn(text)).toBeUndefined();
    expect(withoutSecrets(text)).toBe(text);
});

test("in JSON by key, by header and by form; what stays is as it was", () => {
    const value = {
        a: [{ password: "canary", name: "x" }],
        headers: { "X-Hook": "canary", Accept: "*/*" },
        url: "redis://:canary@h",
        credentials: { secret: "canary", tenant: "t" },
        tokens: 1,
        token: ["canary"],
    };
    const hidden = withoutSecretsIn(value);
    expect(JSON.stringify(hidden)).not.toContain("canary");
    expect(hidden).toMatchObject({
        a: [{ name: "x" }],
        headers: { Accept: "*/*" },
        credentials: { tenant: "t" },
        tokens: 1,
    });
});

test("a megabyte of anything is looked through in a moment", () => {
    for (const part of [
        "a",
        "//",
        "a.",
        "?a=",
        "@",
        "://a@",
        "AccountKey=",
        "-----BEGIN PRIVATE KEY-----",
        "eyJaaaaaaaaa.",
        "https://a/webhook/",
        "password=",
        "a:b@tcp",
        "pbkdf2:a:1$",
        "syt_a_",
        "Basic ",
        "aa=",
        "token=aaaaaaaaaaaa",
        "--aa ",
        "aGVsbG8gd29y",
        "%2F%2F%3A",
        "//a:b/",
        "machine a ",
        "authorization: ",
    ]) {
        const text = part.repeat(Math.ceil(1_000_000 / part.length));
        const began = process.cpuUsage().user;
        withoutSecrets(text);
        secretIn(text);
        expect(process.cpuUsage().user - began).toBeLessThan(3_000_000);
    }
});

test("what is hidden once stays so", async () => {
    await fc.assert(
        fc.property(fc.string({ unit: "grapheme" }), (text) =>
            expect(withoutSecrets(withoutSecrets(text))).toBe(withoutSecrets(text)),
        ),
    );
});
