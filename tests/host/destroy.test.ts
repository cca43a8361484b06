/** A destroy of the stack, on the host. */
import * as fs from "node:fs";
import { join } from "node:path";
import { DOWN, OPEN, READ_ONLY } from "../../testbed/faults/watch";
import { a, b, hardened, host, mode, open, read, secretFiles, served } from "./deployedHost";

jest.setTimeout(120_000);

describe("a destroy", () => {
    it("leaves a read-only registry that starts without the issuer, and no secret", async () => {
        await hardened(b);
        await host.issuer.become("down");
        expect(await host.deploy(b, "withdraw")).toEqual({ exitCode: 0, output: "read-only\n", errors: "" });
        expect(await served()).toBe(READ_ONLY);
        expect(read(host.configFile)).toBe(b.readOnly);
        expect(secretFiles()).toEqual([]);
        host.service.start();
        await host.ready();
        expect(await served()).toBe(READ_ONLY);
        expect(await host.deploy(b, "withdraw")).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
        await host.issuer.become("ours");
        // It can be hardened again; what it was to begin with is still known.
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(read(join(host.state, "original", "config.json"))).toBe(host.openConfig());
    });

    it("restores what was there, where that is asked for", async () => {
        await open();
        fs.chmodSync(host.configFile, 0o640);
        const restoring = host.declare("a", {}, { host: { onDestroy: "restore" } });
        await host.deploy(restoring);
        await host.deploy(b);
        expect(await host.deploy(restoring, "withdraw")).toEqual({ exitCode: 0, output: "restored\n", errors: "" });
        expect(await served()).toBe(OPEN);
        expect(read(host.configFile)).toBe(host.openConfig());
        expect(mode(host.configFile)).toBe("640");
        expect(fs.readdirSync(host.configFolder)).toEqual(["config.json"]);
    });

    it("restores nothing where nothing was", async () => {
        host.reset();
        const restoring = host.declare("a", {}, { host: { onDestroy: "restore" } });
        await host.deploy(restoring);
        expect(await host.deploy(restoring, "withdraw")).toEqual({ exitCode: 0, output: "restored\n", errors: "" });
        expect(fs.readdirSync(host.configFolder)).toEqual([]);
        expect(await served()).toBe(DOWN);
    });

    it("that fails leaves the registry as it was", async () => {
        await hardened();
        await host.service.restartFault("stops and fails");
        const ran = await host.deploy(a, "withdraw");
        await host.service.restartFault(undefined);
        expect(ran.exitCode).toBe(1);
        expect(await served()).toBe("a");
        expect(read(host.configFile)).toBe(a.config);
    });
});
