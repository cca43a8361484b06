/** What parts of zot's config are for, worded for a person who decides about them (zot 2.1.20). Pure. */

/** By the beginning of a path, in small letters; the longest match counts. */
const MEANINGS: Record<string, string> = {
    "storage.dedupe": "whether equal blobs are stored once",
    "storage.commit": "whether each write is flushed to the disk",
    "storage.remotecache": "whether the index of blobs is kept outside the host",
    "storage.cachedriver": "where the index of blobs is kept",
    "storage.storagedriver": "object storage in place of the host's disk",
    "storage.subpaths": "repositories that have their own folder",
    "storage.retention": "which tags are removed, and when",
    "http.tls": "zot's own TLS certificate",
    "http.tls.cacert": "client certificates as logins",
    "http.ratelimit": "how many requests are answered in a second",
    "http.alloworigin": "web pages of other sites that may call the registry",
    "http.compat": "images in Docker's own format are accepted",
    "http.realm": "the name of the login that a client is shown",
    "http.auth.faildelay": "how long a failed login waits for its answer",
    "http.auth.htpasswd": "names and passwords in a file",
    "http.auth.ldap": "logins by a directory",
    "http.auth.bearer": "logins by a token server",
    "http.auth.mtls": "client certificates as logins",
    "http.auth.openid": "logins by identity providers",
    "http.auth.sessiondriver": "where several instances keep their shared sessions",
    "http.accesscontrol.groups": "groups that zot itself knows",
    "http.accesscontrol.adminpolicy": "who may do what in every repository",
    "http.accesscontrol.metrics": "who may read the metrics",
    "http.accesscontrol.repositories": "who may do what by repository",
    "log.output": "the file that zot logs to",
    "log.audit": "the file with a line for each change",
    scheduler: "how many tasks run in the background",
    cluster: "instances that share the work",
    "extensions.sync": "pull-through caches and copies of other registries",
    "extensions.sync.credentialsfile": "the file with logins to other registries",
    "extensions.sync.downloaddir": "where images are kept before they go to the storage",
    "extensions.sync.registries": "registries that images are fetched from",
    "extensions.search.cve": "the scan for vulnerabilities",
    "extensions.search.cve.trivy": "the source of the list of vulnerabilities",
    "extensions.scrub": "a check of what is stored, for damage",
    "extensions.lint": "annotations without which an image is refused",
    "extensions.trust": "signatures that are checked",
    "extensions.mgmt": "the parts of zot's config that the web interface reads",
    "extensions.apikey": "API keys, which are always on here",
    "extensions.events": "messages to other systems about what is pushed",
    "extensions.metrics": "metrics for Prometheus",
};

/**
 * @param path as it is written in the config, for example `http.accessControl.adminPolicy`
 * @returns undefined if it is not known
 */
export function meaningOf(path: string): string | undefined {
    const name = path.toLowerCase().replace(/\[\d+\]/g, "");
    const fitting = Object.keys(MEANINGS).filter((key) => name === key || name.startsWith(`${key}.`));
    return MEANINGS[fitting.reduce((best, key) => (key.length > best.length ? key : best), "")];
}
