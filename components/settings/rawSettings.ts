/** What the readers of settings pass to the parser. */
import type { SettingMistake } from "./setting";

/** What a reader found: groups of settings, nested as in a stack's file; secrets as {@link SecretText}. */
export interface RawSettings {
    groups: Record<string, unknown>;
    /**
     * What it takes to reach the systems, besides the settings. Absent if a stack is only rendered; then settings that
     * only the site knows may be missing.
     */
    site?: {
        hasAuthentikUrl: boolean;
        hasAuthentikToken: boolean;
        /** Path of the SSH agent's socket, if there is an agent. */
        sshAgentSocket: string | undefined;
    };
    /** Mistakes that the reader itself noticed. */
    mistakes?: SettingMistake[];
}
