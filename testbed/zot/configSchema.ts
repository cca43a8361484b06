/**
 * The JSON Schema of zot's configuration, as `zot schema` prints it for zot 2.1.20.
 *
 * zot itself is laxer when it reads a file: the case of keys does not matter, a number may stand for a string, a single
 * value for a list. `checkingSchema` allows for that together with the coercion in config.ts.
 */

export interface Schema {
    type?: string;
    properties?: Record<string, Schema>;
    additionalProperties?: Schema | false;
    items?: Schema;
    format?: string;
    [keyword: string]: unknown;
}

const text: Schema = { type: "string" };
const yes: Schema = { type: "boolean" };
const whole: Schema = { type: "integer" };
/** Go's notation: `1h30m`, `500ms`. */
const duration: Schema = { type: "string", format: "go-duration" };
const texts: Schema = { type: "array", items: text };
/** Left to the driver it is for. */
const anything: Schema = { type: "object", additionalProperties: {} };

const object = (properties: Record<string, Schema>): Schema => ({
    type: "object",
    properties,
    additionalProperties: false,
});
const list = (items: Schema): Schema => ({ type: "array", items });
const byName = (values: Schema): Schema => ({ type: "object", additionalProperties: values });

const counts = {
    pulledWithin: duration,
    pushedWithin: duration,
    mostRecentlyPushedCount: whole,
    mostRecentlyPulledCount: whole,
};

const storage = {
    rootDirectory: text,
    maxRepos: whole,
    dedupe: yes,
    remoteCache: yes,
    redirectBlobURL: yes,
    gc: yes,
    commit: yes,
    gcDelay: duration,
    gcInterval: duration,
    gcTimeWindow: { type: "string", format: "gc-time-window" },
    retention: object({
        dryRun: yes,
        delay: duration,
        policies: list(
            object({
                repositories: texts,
                deleteReferrers: yes,
                deleteUntagged: yes,
                keepTags: list(object({ patterns: texts, ...counts })),
                keepUntagged: object(counts),
            }),
        ),
    }),
    storageDriver: anything,
    cacheDriver: anything,
};

const policy = object({
    users: texts,
    actions: texts,
    groups: texts,
    conditions: list(object({ expression: text, message: text })),
});

const tls = object({ cert: text, key: text, cacert: text });

const claimExpressions = object({
    variables: list(object({ name: text, expression: text })),
    validations: list(object({ expression: text, message: text })),
    username: text,
    groups: text,
});

const auth = object({
    failDelay: whole,
    htpasswd: object({ path: text }),
    ldap: object({
        credentialsFile: text,
        port: whole,
        insecure: yes,
        startTLS: yes,
        skipVerify: yes,
        subtreeSearch: yes,
        address: text,
        userGroupAttribute: text,
        baseDN: text,
        userAttribute: text,
        userFilter: text,
        caCert: text,
    }),
    bearer: object({
        realm: text,
        service: text,
        upstreamTokenEndpoint: object({ realm: text, service: text, allowInsecureHttp: yes }),
        cert: text,
        oidc: list(
            object({
                issuer: text,
                audiences: texts,
                claimMapping: claimExpressions,
                certificateAuthority: text,
                certificateAuthorityFile: text,
                skipIssuerVerification: yes,
            }),
        ),
        awsSecretsManager: object({ region: text, secretName: text, refreshInterval: duration }),
    }),
    openid: object({
        providers: byName(
            object({
                credentialsFile: text,
                name: text,
                clientID: text,
                clientSecret: text,
                keyPath: text,
                issuer: text,
                authURL: text,
                tokenURL: text,
                scopes: texts,
                claimMapping: object({ username: text, groups: text }),
            }),
        ),
        callbackAllowOrigins: texts,
    }),
    apikey: yes,
    sessionKeysFile: text,
    sessionDriver: anything,
    secureSession: yes,
    mtls: object({
        identityAttributes: texts,
        uriSanPattern: text,
        uriSanIndex: whole,
        dnsSanIndex: whole,
        emailSanIndex: whole,
    }),
});

const syncRegistry = object({
    urls: texts,
    pollInterval: duration,
    content: list(
        object({
            prefix: text,
            tags: object({ regex: text, excludeRegex: text, semver: yes }),
            destination: text,
            stripPrefix: yes,
        }),
    ),
    tlsVerify: yes,
    onDemand: yes,
    certDir: text,
    maxRetries: whole,
    retryDelay: duration,
    maxRetryDelay: duration,
    onlySigned: yes,
    syncLegacyCosignTags: yes,
    credentialHelper: text,
    oauth2CredentialHelper: anything,
    preserveDigest: yes,
    syncTimeout: duration,
});

const extension = (properties: Record<string, Schema> = {}): Schema => object({ enable: yes, ...properties });

const extensions = object({
    search: extension({
        cve: object({
            updateInterval: duration,
            trivy: object({
                dbRepository: text,
                javaDBRepository: text,
                vulnSeveritySources: texts,
                sbom: object({ enable: yes, format: text }),
            }),
        }),
    }),
    sync: object({ enable: yes, credentialsFile: text, downloadDir: text, registries: list(syncRegistry) }),
    metrics: extension({ prometheus: object({ path: text }) }),
    scrub: extension({ interval: duration }),
    lint: extension({ mandatoryAnnotations: texts }),
    ui: extension(),
    mgmt: extension(),
    apikey: extension(),
    trust: extension({ cosign: yes, notation: yes }),
    events: object({
        enable: yes,
        sinks: list(
            object({
                type: text,
                address: text,
                channel: text,
                timeout: duration,
                proxy: text,
                headers: byName(text),
            }),
        ),
    }),
});

/** What `zot schema` prints: the names as zot's documentation has them. */
export const configSchema: Schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "zot config schema",
    ...object({
        distSpecVersion: text,
        goVersion: text,
        commit: text,
        releaseTag: text,
        binaryType: text,
        storage: object({ ...storage, subPaths: byName(object(storage)), fastRestart: yes }),
        http: object({
            address: text,
            externalUrl: text,
            port: text,
            allowOrigin: text,
            readTimeout: duration,
            writeTimeout: duration,
            tls,
            auth,
            accessControl: object({
                repositories: byName(object({ policies: list(policy), defaultPolicy: texts, anonymousPolicy: texts })),
                adminPolicy: policy,
                groups: byName(object({ users: texts })),
                metrics: object({ users: texts, anonymousPolicy: texts }),
            }),
            realm: text,
            ratelimit: object({ rate: whole, methods: list(object({ method: text, rate: whole })) }),
            compat: texts,
        }),
        log: object({ level: text, output: text, audit: text }),
        extensions,
        scheduler: object({ numWorkers: whole }),
        cluster: object({ members: texts, hashKey: text, tls }),
    }),
};

/** The same with every name in lower case: a file is read without regard to case. */
export function checkingSchema(schema: Schema = configSchema): Schema {
    const { properties, additionalProperties, items } = schema;
    return {
        ...schema,
        ...(properties && {
            properties: Object.fromEntries(
                Object.entries(properties).map(([name, property]) => [name.toLowerCase(), checkingSchema(property)]),
            ),
        }),
        ...(additionalProperties && { additionalProperties: checkingSchema(additionalProperties) }),
        ...(items && { items: checkingSchema(items) }),
    };
}
