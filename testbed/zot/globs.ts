/**
 * The glob patterns of zot's access control and sync, as the Go library doublestar v4 matches them: `*`, `?` and `**`.
 * Its braces, classes and escapes are no patterns here, for our settings take none of them.
 */

/** Whether a pattern is well formed; zot refuses a config with any other. */
export const isValidPattern = (pattern: string): boolean => !/[[\]{}\\]/.test(pattern);

/** Whether a valid pattern matches the whole of a name. `a/**` matches `a` too. An invalid pattern matches nothing. */
export function matches(pattern: string, name: string): boolean {
    let compiled = compiledPatterns.get(pattern);
    if (!compiled) {
        compiled = isValidPattern(pattern) ? toRegularExpression(pattern) : /(?!)/;
        compiledPatterns.set(pattern, compiled);
    }
    return compiled.test(name);
}

const compiledPatterns = new Map<string, RegExp>();

function toRegularExpression(pattern: string): RegExp {
    let source = "";
    for (let i = 0; i < pattern.length; ) {
        const startsSegment = i === 0 || pattern[i - 1] === "/";
        const rest = pattern.slice(i);
        if (rest === "/**") {
            // A folder stands for itself, too.
            source += "(?:/.*)?";
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
        } else {
            source += pattern[i] === "?" ? "[^/]" : (pattern[i] as string).replace(/[\^$.+()|/]/, "\\$&");
            i++;
        }
    }
    return new RegExp(`^${source}$`, "su");
}
