/** Connections to a host over SSH as a test tries them, and the sentence of one that fails. */
import { runOverSsh, type SshConnection, SshError, type SshLimits } from "../../../clients/ssh";

/** Limits that a busy machine keeps. */
export const PATIENT: Partial<SshLimits> = { answer: 20_000, login: 30_000 };

export const run = (connection: SshConnection, limits: Partial<SshLimits> = PATIENT) =>
    runOverSsh(connection, { command: "cat", stdin: "hello" }, { limits });

/** The sentence of a failure. */
export async function told(connection: SshConnection, limits?: Partial<SshLimits>): Promise<string> {
    const error = await run(connection, limits).then(
        () => new Error("it went well"),
        (failure: Error) => failure,
    );
    expect(error).toBeInstanceOf(SshError);
    for (const line of (connection.privateKey ?? "").split("\n").filter((each) => each.length > 20))
        expect(error.message).not.toContain(line);
    return error.message;
}
