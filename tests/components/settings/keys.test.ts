/** Keys of a stack's file and of Pulumi.yaml that Pulumi takes for one another, or JavaScript for something else. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings } from "../../../components/settings";
import { settingsFromPulumi } from "../../../components/settings/fromPulumi";
import { settingsFromStackFile } from "../../../components/settings/fromStackFile";

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

const SITE = `
  zot-hardening:registry: {url: https://registry.example.org}
  zot-hardening:zot: {binary: /usr/local/bin/zot, configFile: /etc/zot/config.json, rootDirectory: /var/lib/zot}
  zot-hardening:identity: {issuer: https://authentik.example.org/application/o/zot/}
`;
function read(lines: string, project = "") {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "settings-keys-"));
    folders.push(folder);
    fs.writeFileSync(path.join(folder, "Pulumi.yaml"), `name: zot-hardening\nruntime: nodejs\n${project}`);
    fs.writeFileSync(path.join(folder, "Pulumi.test.yaml"), `config:${SITE}${lines}`);
    return parseSettings(settingsFromStackFile(folder, "test"));
}
const told = (mistakes: { setting: string; message: string }[]) =>
    mistakes.map(({ setting, message }) => `${setting}: ${message}`);

test.each([
    [
        "the calm one last",
        "  access: {ciRepositories: ['**']}\n  zot-hardening:access: {ciRepositories: ['team/**']}\n",
    ],
    [
        "the calm one first",
        "  zot-hardening:access: {ciRepositories: ['team/**']}\n  access: {ciRepositories: ['**']}\n",
    ],
])("a group by both its keys is refused, since Pulumi takes the one or the other: %s", (_title, lines) => {
    expect(told(read(lines).mistakes)).toEqual([
        "access: access is in the file twice, as access and as zot-hardening:access, and Pulumi picks one of them " +
            "at random. Remove one of them.",
    ]);
});

const CALM = "{access: {ciRepositories: ['team/**']}}";
test.each([
    ["of the project's", `  zot-hardening:__proto__: ${CALM}\n`, "__proto__"],
    ["without a namespace", `  __proto__: ${CALM}\n`, "__proto__"],
    ["in a group", "  zot-hardening:access: {__proto__: {ciRepositories: ['team/**']}}\n", "access.__proto__"],
])("a key that every object has is no setting, and gives none: %s", (_title, lines, name) => {
    const { settings, mistakes } = read(lines);
    expect(told(mistakes)).toEqual([expect.stringContaining(`${name} is not a setting`) as string]);
    expect(settings.access.ciRepositories).toEqual(["**"]);
});

test.each([
    "__proto__.ciRepositories",
    "access.__proto__.ciRepositories",
    "access.constructor.prototype.ciRepositories",
])("a default of Pulumi.yaml gives nothing to what does not ask for it: %s", (name) => {
    try {
        read("", `config:\n  ${name}: {default: stolen}\n`);
        expect(({} as Record<string, unknown>).ciRepositories).toBeUndefined();
    } finally {
        delete (Object.prototype as Record<string, unknown>).ciRepositories;
    }
});

test("a running program refuses such a key too", async () => {
    await pulumi.runtime.setMocks(
        { newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) },
        "zot-hardening",
    );
    pulumi.runtime.setAllConfig({ "zot-hardening:__proto__": '{"access":{"ciRepositories":["team/**"]}}' });
    const { settings, mistakes } = parseSettings(settingsFromPulumi());
    expect(told(mistakes)).toContainEqual(expect.stringContaining("__proto__ is not a setting"));
    expect(settings.access.ciRepositories).toEqual(["**"]);
});
