/** What the observation of a host tells beside what a deployment would: by its functions, in each shell. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectionScript } from "../../host/scripts";
import observationScript from "../../providers/zot/hostObservation.sh";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { runIn, type Shell, scratchFolder, shells } from "./shells";

const dash = shells.find((shell) => shell.reason === undefined)!;
const run = (shell: Shell, script: string) => {
    const { output, errors } = runIn(shell, `${inspectionScript}\n${observationScript}\n${script}`);
    expect(errors).toBe("");
    return output;
};

describe("a fact", () => {
    for (const shell of shells) {
        (shell.reason ? it.skip : it)(skippable(`that is too long keeps its code: ${shell.name}`, shell.reason), () => {
            const sentence = `The first deployment would remove: ${"a.setting (of the site's), ".repeat(300)}and more`;
            const told = run(shell, `fact refused "${sentence}. [ZH-FIRST-WOULD-REMOVE]"`);
            expect(told).toMatch(
                /^refused=The first deployment would remove: a\.setting .* … \[ZH-FIRST-WOULD-REMOVE\]\n$/,
            );
            expect(told.length).toBeLessThan(4100);
            // Of one that is not, every word stays.
            const whole = sentence.slice(0, 3900);
            expect(run(shell, `fact refused "${whole}. [ZH-X]"`)).toBe(`refused=${whole}. [ZH-X]\n`);
        });
    }
});

describe("the files of zot's TLS", () => {
    const look = (tls: object) => {
        const folder = scratchFolder();
        writeFileSync(join(folder, "config"), JSON.stringify({ http: { tls } }));
        return run(dash, `set -u; folder='${folder}' config=/none owner=$(id -u) state=/none; (check_tls_files)`);
    };

    it("are looked for, each by its place in zot's config", () => {
        const folder = scratchFolder();
        writeFileSync(join(folder, "cert.pem"), "");
        mkdirSync(join(folder, "key.pem"));
        const missing = join(folder, "none.pem");
        expect(look({ cert: join(folder, "cert.pem"), key: join(folder, "cert.pem") })).toBe("");
        expect(look({ cert: missing, key: join(folder, "cert.pem") })).toContain(
            `zot could not read ${missing} (http.tls.cert) as the user `,
        );
        expect(look({ cert: join(folder, "cert.pem"), key: missing })).toContain(`${missing} (http.tls.key)`);
        expect(look({ cert: join(folder, "cert.pem"), key: join(folder, "key.pem") })).toMatch(
            /key\.pem \(http\.tls\.key\) .* \[ZH-TLS-FILE\]\n$/,
        );
    });

    it("are zot's alone where systemd gives them to it, and none where it speaks plain http", () => {
        expect(look({ cert: "/run/credentials/zot.service/cert", key: "/run/credentials/zot.service/key" })).toBe("");
        expect(look({})).toBe("");
    });
});
