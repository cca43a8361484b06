/** What can be done to a host while something is deployed to it. */
import type { RestartFault, ServeFault } from "./service";

/** What is done to a host at the end of one injection is the beginning of the next: nothing is built twice. */
export interface Injection {
    name: string;
    /** What the deployment begins from. Default: a hardened registry. */
    from?: "hardened" | "open" | "nothing";
    verb?: "deploy" | "withdraw";
    /** The step at which it happens, by number; without it, it is so from the beginning. */
    step?: number;
    fault: Fault;
}

export type Fault =
    | { kind: "none" }
    | { kind: "connection cut" }
    | { kind: "script killed" }
    | { kind: "script stopped" }
    | { kind: "disk full" }
    | { kind: "disk read-only" }
    | { kind: "machine stops" }
    | { kind: "issuer"; becomes: "down" | "different" | "hangs" }
    | { kind: "second deployment" }
    | { kind: "tool fails"; step: RegExp; message: string }
    | { kind: "restart"; fault: RestartFault }
    | { kind: "serve"; fault: ServeFault["how"] };
