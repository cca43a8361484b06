/**
 * Pictures of pages for the documentation. docs/pictures/verify-report.png is made so, of a site left by `npm run demo
 * -- --keep`, in whose zot config CI was given `delete` by hand:
 *
 *     npm run verify -- --stack demo --html report.html
 *     node build/run.cjs testbed/pagePicture/main.ts report.html docs/pictures/verify-report.png 900 700
 *     pngquant --force --strip --output docs/pictures/verify-report.png 48 docs/pictures/verify-report.png
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launchChromium } from "../../clients/chromium";

async function main([page, picture, width = "900", height = "640"]: string[]): Promise<void> {
    if (page === undefined || picture === undefined)
        throw new Error("usage: node build/run.cjs testbed/pagePicture/main.ts PAGE.html PICTURE.png [WIDTH HEIGHT]");
    const chromium = await launchChromium(undefined, { PATH: process.env.PATH, HOME: process.env.HOME });
    try {
        const tab = await (
            await chromium.newContext({
                viewport: { width: Number(width), height: Number(height) },
                colorScheme: "light",
            })
        ).newPage();
        await tab.goto(pathToFileURL(resolve(page)).href);
        const image = await tab.screenshot();
        writeFileSync(picture, image);
        process.stdout.write(`${picture}: ${width} x ${height}, ${Math.round(image.length / 1024)} KB\n`);
    } finally {
        await chromium.close();
    }
}

main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
});
