/** Which faults are injected where. */
import type { Fault, Injection, Injector } from "./injections";

export interface PlannedFaults {
    title: string;
    injections: Injection[];
}

/** Faults that may happen at any step. */
const AT_A_STEP: Fault[] = [
    { kind: "connection cut" },
    { kind: "script killed" },
    { kind: "script stopped" },
    { kind: "machine stops" },
    { kind: "disk full" },
    { kind: "disk read-only" },
    { kind: "issuer", becomes: "down" },
    { kind: "second deployment" },
];

/** Faults that are there from the beginning. */
const FROM_THE_BEGINNING: Fault[] = [
    { kind: "none" },
    { kind: "disk full" },
    { kind: "disk read-only" },
    { kind: "issuer", becomes: "down" },
    { kind: "issuer", becomes: "different" },
    { kind: "issuer", becomes: "hangs" },
    { kind: "restart", fault: "fails" },
    { kind: "restart", fault: "fails once" },
    { kind: "restart", fault: "stops and fails" },
    { kind: "restart", fault: "hangs" },
    { kind: "restart", fault: "port taken" },
    { kind: "serve", fault: "dies" },
    { kind: "serve", fault: "hangs" },
    { kind: "tool fails", step: /^zot verify/, message: "Error: the config is not to its liking" },
    { kind: "tool fails", step: /^sync /, message: "Input/output error" },
    { kind: "tool fails", step: /^ln /, message: "Operation not permitted" },
    { kind: "tool fails", step: /^mv -f .*live\.json/, message: "Input/output error" },
];

/** The steps are those of a deployment without a fault on this host. */
export async function faultPlan(
    injector: Injector,
    { every = 1, only }: { every?: number; only?: string } = {},
): Promise<PlannedFaults[]> {
    const plan: PlannedFaults[] = [];
    const add = (title: string, injections: Injection[]) => {
        const wanted = injections.filter(({ name }) => only === undefined || name.includes(only));
        if (wanted.length > 0) plan.push({ title, injections: wanted });
    };
    const begins: Pick<Injection, "from" | "verb">[] = [
        { from: "hardened" },
        { from: "open" },
        { from: "nothing" },
        { from: "hardened", verb: "withdraw" },
    ];
    const found: { begin: Pick<Injection, "from" | "verb">; steps: string[] }[] = [];
    for (const begin of begins) found.push({ begin, steps: await injector.steps(begin.from, begin.verb) });
    for (const { begin, steps } of found) {
        const where = titleOf(begin);
        // A destroy sends no request to the issuer; and not every deployment has every step.
        const applies = (fault: Fault) =>
            (begin.verb !== "withdraw" || fault.kind !== "issuer") &&
            (fault.kind !== "tool fails" || steps.some((step) => fault.step.test(step)));
        add(
            `${where}: from the beginning`,
            FROM_THE_BEGINNING.filter(applies).map((fault) => ({
                ...begin,
                name: `${where}: ${nameOf(fault)}`,
                fault,
            })),
        );
    }
    for (const { begin, steps } of found) {
        const where = titleOf(begin);
        for (const fault of AT_A_STEP) {
            // Every fault at every step of a change; for other deployments only what differs from that.
            const others = begin.from !== "hardened" || begin.verb === "withdraw";
            if (others && !["script killed", "machine stops", "disk full"].includes(fault.kind)) continue;
            // Two deployments take twice as long, and overlap only where one waits for the other.
            const stride = every * (others || fault.kind === "second deployment" ? 3 : 1);
            const injections = steps.map(
                (_name, index): Injection => ({ ...begin, name: `${where}: ${nameOf(fault)}`, step: index + 1, fault }),
            );
            add(
                `${where}: ${nameOf(fault)} at a step`,
                injections.filter((_injection, index) => index % stride === 0),
            );
        }
    }
    return plan;
}

function titleOf({ from, verb }: Pick<Injection, "from" | "verb">): string {
    if (verb === "withdraw") return "destroy";
    return from === "hardened" ? "change" : `first deployment, ${from === "open" ? "open registry" : "nothing there"}`;
}

export function nameOf(fault: Fault): string {
    switch (fault.kind) {
        case "issuer":
            return `issuer ${fault.becomes}`;
        case "restart":
            return fault.fault === "port taken" ? fault.fault : `restart ${fault.fault}`;
        case "serve":
            return `zot ${fault.fault}`;
        case "tool fails":
            return `${fault.step.source.replace(/[^a-z]+/g, " ").trim()} fails`;
        case "none":
            return "no fault";
        default:
            return fault.kind;
    }
}
