/** Writes sdks/authentik from the tables (index.ts): npm run generate:sdk, in the project's folder. */
import * as fs from "node:fs";
import * as path from "node:path";
import { sdkFiles } from "./index";

const folder = path.resolve("sdks/authentik");
if (!fs.existsSync(path.join(folder, "package.json")))
    throw new Error(`${folder} is not the SDK's folder: run this in the project's folder.`);
for (const [file, text] of Object.entries(sdkFiles())) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
}
