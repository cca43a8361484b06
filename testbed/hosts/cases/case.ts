/** A case, and the set-ups that one may be for. */
import { ofUser, type SetUp } from "../setUps";
import type { Preparation, Site } from "../site";

export interface Case {
    name: string;
    /** The set-ups that it is for. */
    on(setUp: SetUp): boolean;
    prepared?: Preparation;
    /** What this machine lacks for it, if it lacks something. */
    lacks?(): string | undefined;
    /**
     * @returns what was measured, if anything was
     * @throws Unexpected if the host is not as docs/deployment.md says
     */
    run(site: Site): Promise<string> | Promise<void>;
}

/** Set-ups, by the subject of a case. */
export const all = () => true;
export const byUnit = ({ manager }: SetUp) => manager !== "command";
export const ofSystem = ({ manager }: SetUp) => manager === "systemd";
export { ofUser };
export const sites = (setUp: SetUp) => byUnit(setUp) && !setUp.managed;
export const asRoot = ({ rights }: SetUp) => rights === "root" || rights === "sudo all";
export const bySudo = ({ rights }: SetUp) => rights.startsWith("sudo");
