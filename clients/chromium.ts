/**
 * A real browser: a Chromium that is installed on this machine, driven by playwright-core. That package is a
 * development dependency, so it is loaded only if a browser is asked for.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The part of playwright-core that is used here. With it, the project compiles and runs without development
 * dependencies.
 */
export interface Chromium {
    version(): string;
    newContext(options?: {
        viewport?: { width: number; height: number };
        colorScheme?: "light" | "dark";
        offline?: boolean;
    }): Promise<BrowserContext>;
    close(): Promise<void>;
}

export interface BrowserContext {
    newPage(): Promise<Page>;
    cookies(url?: string): Promise<{ name: string; value: string; httpOnly: boolean }[]>;
    close(): Promise<void>;
}

export interface Page {
    goto(
        url: string,
        options?: { timeout?: number; waitUntil?: "load" | "domcontentloaded" | "commit" },
    ): Promise<Response | null>;
    url(): string;
    title(): Promise<string>;
    locator(selector: string): Locator;
    /** @param expression source text that the page evaluates; its result is awaited */
    evaluate<T>(expression: string): Promise<T>;
    on(event: "request", listener: (request: Request) => void): void;
    on(event: "response", listener: (response: Response) => void): void;
    on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
    on(event: "pageerror", listener: (error: Error) => void): void;
    waitForTimeout(milliseconds: number): Promise<void>;
    emulateMedia(options: { media?: "screen" | "print" | null; colorScheme?: "light" | "dark" }): Promise<void>;
    setViewportSize(size: { width: number; height: number }): Promise<void>;
    screenshot(options?: {
        path?: string;
        fullPage?: boolean;
        clip?: { x: number; y: number; width: number; height: number };
    }): Promise<Buffer>;
    pdf(options?: { format?: string }): Promise<Buffer>;
}

export interface Locator {
    first(): Locator;
    count(): Promise<number>;
    fill(text: string, options?: { timeout?: number }): Promise<void>;
    press(key: string, options?: { timeout?: number }): Promise<void>;
    click(options?: { timeout?: number }): Promise<void>;
    innerText(options?: { timeout?: number }): Promise<string>;
    isVisible(): Promise<boolean>;
}

export interface Request {
    url(): string;
    method(): string;
    isNavigationRequest(): boolean;
}

export interface Response {
    url(): string;
    status(): number;
    headers(): Record<string, string>;
    request(): Request;
}

/** No browser is available; the message says what to install. */
export class NoBrowserError extends Error {}

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const APPLICATIONS = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The Chromium or Chrome of this machine: on the PATH, or among macOS's applications. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
    const onPath = NAMES.flatMap((name) => programOnPath(name, environment) ?? []);
    return [...onPath, ...APPLICATIONS].find(isExecutable);
}

/** The path of a program that is given by its name alone; undefined if the PATH has none. */
export function programOnPath(name: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
    const folders = (environment.PATH ?? "").split(delimiter).filter(Boolean);
    return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
    try {
        accessSync(file, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

/** Why no browser can be started here; undefined if one can. */
export function whyNoBrowser(environment: NodeJS.ProcessEnv = process.env): string | undefined {
    if (findChromium(environment) === undefined)
        return "there is no chromium on the PATH; install the package of that name";
    try {
        require.resolve("playwright-core");
        return undefined;
    } catch {
        return (
            "the npm package playwright-core is not installed; " +
            "npm ci installs it, unless development dependencies are left out"
        );
    }
}

/**
 * Starts a browser without a window, with a profile of its own that goes when it ends.
 *
 * @param program path of a Chromium or Chrome. Default: the machine's own.
 * @param environment what the browser is started with: nothing secret
 * @throws NoBrowserError
 */
export async function launchChromium(program: string | undefined, environment: NodeJS.ProcessEnv): Promise<Chromium> {
    const executablePath = program ?? findChromium(environment);
    if (executablePath === undefined)
        throw new NoBrowserError(
            "There is no Chromium on the PATH; install it (Debian's package is chromium), or name one: " +
                "--browser PROGRAM.",
        );
    if (!isExecutable(executablePath))
        throw new NoBrowserError(`There is no program ${executablePath} to be started as a browser.`);
    // By a name that is not looked up before it runs.
    const packageName: string = "playwright-core";
    let playwright: { chromium: { launch(options: object): Promise<Chromium> } };
    try {
        playwright = (await import(packageName)) as typeof playwright;
    } catch {
        throw new NoBrowserError(
            "The npm package playwright-core is not installed; " +
                "npm ci installs it, unless told to leave out what is for development.",
        );
    }
    const options = {
        executablePath,
        headless: true,
        env: environment,
        // An interrupted run ends in its own way.
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
    };
    // Chromium's sandbox refuses to run as root, and cannot where the kernel gives it no namespaces, as in many a
    // container.
    for (const chromiumSandbox of process.getuid?.() === 0 ? [false] : [true, false]) {
        try {
            return await playwright.chromium.launch({ ...options, chromiumSandbox });
        } catch (error) {
            if (!chromiumSandbox)
                throw new NoBrowserError(
                    `${executablePath} did not start as a browser: ${(error as Error).message.split("\n")[0]}`,
                );
        }
    }
    throw new NoBrowserError(`${executablePath} did not start as a browser.`);
}
