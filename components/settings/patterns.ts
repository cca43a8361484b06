/** What zot takes as a repository pattern, and what of it is refused before it gets there. Pure. */

/** The name of a repository: the OCI distribution specification's grammar for <name>. */
const REPOSITORY_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;

export function isRepositoryName(name: string): boolean {
    return REPOSITORY_NAME.test(name);
}

/**
 * Why a pattern is refused, or undefined where it is fine.
 *
 * zot lower-cases patterns and cuts at `::` when it reads its config, so such a pattern would silently be another one
 * (zot 2.1.20). Braces and classes are refused because they add nothing here and make two patterns hard to compare.
 */
export function patternMistake(pattern: string): string | undefined {
    if (pattern === "") return "it is empty";
    if (/[A-Z]/.test(pattern)) return "it has capitals, which zot turns into small letters";
    if (pattern.includes("::")) return 'it has "::", which zot cannot read';
    if (pattern.startsWith("/") || pattern.endsWith("/")) return "it starts or ends with a slash, which no repository's name does";
    if (pattern.includes("//")) return "it has an empty part between two slashes";
    const odd = /[^a-z0-9._\-/*?]/.exec(pattern);
    if (odd) return `it has ${JSON.stringify(odd[0])}, which a repository's name cannot hold`;
    if (/\*{3,}/.test(pattern) || /[^/]\*\*|\*\*[^/]/.test(pattern)) return 'its "**" is not a whole part between slashes';
    return undefined;
}

/** What every name that the pattern matches must begin with. */
export function literalPrefix(pattern: string): string {
    const meta = pattern.search(/[*?]/);
    return meta < 0 ? pattern : pattern.slice(0, meta);
}

/** Whether some repository can match both patterns. Errs on the side of yes. */
export function mayOverlap(left: string, right: string): boolean {
    const [a, b] = [literalPrefix(left), literalPrefix(right)];
    if (a === left && b === right) return left === right;
    // `team/**` also matches `team` itself, so the slash before a final `**` does not separate.
    const trim = (prefix: string) => prefix.replace(/\/$/, "");
    return a.startsWith(trim(b)) || b.startsWith(trim(a));
}
