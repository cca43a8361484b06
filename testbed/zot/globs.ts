/**
 * The glob patterns of zot's access control and sync: those of the Go library doublestar v4, which no npm package
 * restates exactly (its braces hold no ranges, it has no extended globs and no negation, and a dot is an ordinary
 * character).
 *
 * Compared with doublestar 4.10 over tens of thousands of patterns: they agree wherever `**` is a whole part of the
 * path, and differ only where doublestar gives up early, such as a star before a negated class that could take a slash.
 */

/** Whether a pattern is well formed; zot refuses a config with any other. */
export function isValidPattern(pattern: string): boolean {
    let depth = 0;
    for (let i = 0; i < pattern.length; i++) {
        switch (pattern[i]) {
            case "\\":
                if (++i >= pattern.length) return false;
                break;
            case "[":
                i = endOfClass(pattern, i);
                if (i < 0) return false;
                break;
            case "{":
                depth++;
                break;
            case "}":
                if (depth-- === 0) return false;
                break;
        }
    }
    return depth === 0;
}

/** Whether a valid pattern matches the whole of a name. `a/**` matches `a` too. An invalid pattern matches nothing. */
export function matches(pattern: string, name: string): boolean {
    let compiled = compiledPatterns.get(pattern);
    if (!compiled) {
        compiled = isValidPattern(pattern) ? expandBraces(pattern).map(toRegularExpression) : [];
        compiledPatterns.set(pattern, compiled);
    }
    return compiled.some((expression) => expression.test(name));
}

/** Splits a pattern at the last slash before its first special character: `a/b/*c` is `a/b` and `*c`. */
export function splitPattern(pattern: string): { base: string; rest: string } {
    const special = pattern.search(/[*?[{]/);
    const slash = special < 0 ? pattern.lastIndexOf("/") : pattern.lastIndexOf("/", special);
    if (slash < 0) return { base: ".", rest: pattern };
    return { base: pattern.slice(0, slash) || "/", rest: pattern.slice(slash + 1) };
}

const compiledPatterns = new Map<string, RegExp[]>();

/** The index of the `]` that closes the class opened at `start`, or -1. */
function endOfClass(pattern: string, start: number): number {
    let i = start + 1;
    if (pattern[i] === "^" || pattern[i] === "!") i++;
    if (i >= pattern.length || pattern[i] === "]") return -1;
    for (; i < pattern.length; i++) {
        if (pattern[i] === "\\") i++;
        else if (pattern[i] === "]") return i;
    }
    return -1;
}

/** Every pattern without braces that a pattern stands for. */
function expandBraces(pattern: string): string[] {
    for (let i = 0; i < pattern.length; i++) {
        if (pattern[i] === "\\") i++;
        else if (pattern[i] === "[") i = endOfClass(pattern, i);
        else if (pattern[i] === "{") {
            const alternatives: string[] = [];
            let depth = 1;
            let begin = i + 1;
            let end = begin;
            for (; depth > 0; end++) {
                const character = pattern[end];
                if (character === "\\") end++;
                else if (character === "{") depth++;
                else if (character === "}") depth--;
                if (depth === 0 || (depth === 1 && character === ",")) {
                    alternatives.push(pattern.slice(begin, end));
                    begin = end + 1;
                }
            }
            const before = pattern.slice(0, i);
            const after = pattern.slice(end);
            return alternatives.flatMap((alternative) => expandBraces(before + alternative + after));
        }
    }
    return [pattern];
}

function toRegularExpression(pattern: string): RegExp {
    let source = "";
    for (let i = 0; i < pattern.length; ) {
        const startsSegment = i === 0 || pattern[i - 1] === "/";
        const rest = pattern.slice(i);
        if (rest === "/**" || rest === "/**/") {
            // A folder stands for itself, too.
            source += rest === "/**" ? "(?:/.*)?" : "(?:/(?:[^/]*/)*)?";
            break;
        }
        if (startsSegment && rest === "**") {
            source += ".*";
            break;
        }
        if (startsSegment && rest.startsWith("**/")) {
            source += "(?:[^/]*/)*";
            i += 3;
        } else if (pattern[i] === "*") {
            i += rest.startsWith("**") ? 2 : 1;
            if (pattern.slice(i) === "/**") {
                // `a*/**` takes `ab` and `a/b`, but not `a`: the star of a folder that stands for itself is not empty.
                source += "(?:[^/]+|[^/]*/.*)";
                break;
            }
            source += "[^/]*";
        } else if (pattern[i] === "?") {
            source += "[^/]";
            i++;
        } else if (pattern[i] === "[") {
            const end = endOfClass(pattern, i);
            source += characterClass(pattern.slice(i + 1, end));
            i = end + 1;
        } else {
            if (pattern[i] === "\\") i++;
            source += escapeCharacter(pattern[i] ?? "");
            i++;
        }
    }
    try {
        return new RegExp(`^${source}$`, "su");
    } catch {
        // A range whose end comes before its start: nothing lies in it.
        return /(?!)/;
    }
}

function characterClass(content: string): string {
    const negated = content[0] === "^" || content[0] === "!";
    const members = negated ? content.slice(1) : content;
    let source = "";
    for (let i = 0; i < members.length; i++) {
        const character = members[i] ?? "";
        if (character === "\\") source += escapeCharacter(members[++i] ?? "");
        // Between two others it makes a range.
        else if (character === "-") source += i > 0 && i < members.length - 1 ? "-" : "\\-";
        else source += escapeCharacter(character);
    }
    return `[${negated ? "^" : ""}${source}]`;
}

function escapeCharacter(character: string): string {
    return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
