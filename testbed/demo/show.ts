/** What the demo shows, and the result of each of its steps. */
import type { Steps } from "../../cli/shared/interrupt";
import { matrixTable } from "../../cli/shared/matrixText";
import type { AccessMatrix, Right } from "../../components/accessPolicy";

export interface Step {
    name: string;
    expected: string | number;
    got: string | number;
    ok: boolean;
}

export class Show {
    readonly steps: Step[] = [];
    readonly seconds: Record<string, number> = {};

    constructor(
        private readonly json: boolean,
        private readonly underWay: Steps,
    ) {}

    private readonly said = new Set<string>();

    /** Messages that are shown once, and not again by a later step. */
    news(text: string): void {
        if (!this.said.has(text)) this.say(text);
        this.said.add(text);
    }

    say(text = ""): void {
        // With --json, standard output holds the one object and nothing else.
        (this.json ? process.stderr : process.stdout).write(`${text}\n`);
    }

    heading(text: string): void {
        this.say(`\n== ${text}`);
    }

    async timed<T>(name: string, work: () => Promise<T>): Promise<T> {
        const started = performance.now();
        try {
            return await this.underWay.run(work);
        } finally {
            this.seconds[name] = Math.round((performance.now() - started) / 10) / 100;
        }
    }

    step(name: string, expected: Step["expected"], got: Step["got"]): void {
        const ok = expected === got;
        this.steps.push({ name, expected, got, ok });
        this.say(`  ${ok ? "ok  " : "FAIL"}  ${name}: ${got}${ok ? "" : ` instead of ${expected}`}`);
    }

    get ok(): boolean {
        return this.steps.length > 0 && this.steps.every((step) => step.ok);
    }
}

/** The table of the stack's output `accessMatrix`, whose cells are text. */
export function matrixOfOutput(output: Record<string, Record<string, string>>): string {
    const rightsIn = (cell: string) => cell.split(", ").filter((right) => right !== "nothing") as Right[];
    const matrix: AccessMatrix = Object.fromEntries(
        Object.entries(output).map(([pattern, rights]) => [
            pattern,
            Object.fromEntries(Object.entries(rights).map(([who, cell]) => [who, rightsIn(cell)])),
        ]),
    );
    return matrixTable(matrix);
}
