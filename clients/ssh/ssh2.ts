/** The SSH client, loaded with the first connection: most starts of the provider need none. */
import { createRequire } from "node:module";

type Ssh2 = typeof import("ssh2");

let loaded: Ssh2 | undefined;

/** Loaded from node_modules, because its optional native parts cannot be bundled. */
export function ssh2(): Ssh2 {
    return (loaded ??= createRequire(__filename)("ssh2") as Ssh2);
}
