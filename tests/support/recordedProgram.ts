/** Runs components under Pulumi's mocks and records what each resource was given. */
import * as pulumi from "@pulumi/pulumi";

export interface Recorded {
    type: string;
    name: string;
    inputs: Record<string, unknown>;
}

/** Answers of look-ups by token, and outputs that a resource has beside its inputs. */
export interface Answers {
    calls?: Record<string, (args: Record<string, unknown>) => Record<string, unknown>>;
    outputs?: Record<string, Record<string, unknown>>;
}

/** Registers mocks; the list fills as resources are declared. Call before the components are imported or used. */
export function recordResources(answers: Answers = {}): Recorded[] {
    const recorded: Recorded[] = [];
    void pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs }) => {
                recorded.push({ type, name, inputs });
                return { id: `${name}-id`, state: { ...inputs, ...answers.outputs?.[type] } };
            },
            call: ({ token, inputs }) => answers.calls?.[token]?.(inputs) ?? {},
        },
        "zot-hardening",
        "test",
    );
    // The mocks of the SDK know no resource hooks: registering one has to succeed for the resource to be registered.
    const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, unknown>;
    monitor.registerResourceHook = (_request: unknown, callback: (error: null, answer: object) => void) =>
        callback(null, {});
    return recorded;
}

/** The value of an output, whether secret or not. */
export function settled<T>(output: pulumi.Output<T>): Promise<T> {
    return new Promise((resolve) => output.apply((value) => resolve(value as T)));
}

/** Whether the mocks saw an input as a secret. */
export function isSecretInput(value: unknown): boolean {
    return typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value;
}
