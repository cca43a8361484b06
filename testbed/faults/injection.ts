/** What can be done to a host while something is deployed to it. */
import type { RestartFault, ServeFault } from "./service";

/** One injection begins with the host that the previous one left: nothing is built twice. */
export interface Injection {
    name: string;
    /** What the deployment begins from. Default: a hardened registry. */
    from?: "hardened" | "open" | "nothing";
    verb?: "deploy" | "withdraw";
    /** The number of the step at which it happens; without it, it is there from the beginning. */
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
