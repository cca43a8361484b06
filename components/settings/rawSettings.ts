/** What the readers of settings hand to the parser. */
import type { SettingMistake } from "./setting";

/** What a reader found: groups of settings as a stack's file nests them, secrets as {@link SecretText}. */
export interface RawSettings {
    groups: Record<string, unknown>;
    /**
     * What is outside the settings but needed to reach the systems; absent where a stack is only rendered.
     * Without it, what only the site knows may be missing.
     */
    site?: {
        hasAuthentikUrl: boolean;
        hasAuthentikToken: boolean;
        /** Path of the SSH agent's socket, if there is an agent. */
        sshAgentSocket: string | undefined;
    };
    /** What the reader itself noticed. */
    mistakes?: SettingMistake[];
}
