/** What the update costs that makes CI's key anew, as after a leak. */
import { type Comparison, compared, inTurn } from "./comparison";
import type { Measured } from "./everyday";
import { operate } from "./preview";

/** Updates that raise `ci.keyGeneration`, in turn with ones that change nothing. */
export async function measureRotation({ root, demo, scratch, runs, say }: Measured): Promise<Comparison[]> {
    const up = () => operate(scratch.toolchain, root, demo, "up");
    const keyNow = async () => (await scratch.stack.outputs()).ciApiKey?.value as unknown;
    let generation = 0;
    const results = await inTurn(
        runs,
        {
            rotation: async () => {
                const before = await keyNow();
                scratch.changeSettings({ ci: { keyGeneration: ++generation } });
                const seconds = await up();
                if ((await keyNow()) === before) throw new Error("An update was to make a new key of CI, and did not.");
                return seconds;
            },
            nothing: up,
        },
        (text) => say(`rotation: ${text}`),
    );
    return [compared("up, a new key of CI", "one without changes", { ours: results.rotation, other: results.nothing })];
}
