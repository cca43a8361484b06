/** Formats values for the Markdown of a review. Pure. */
import { markdownCode } from "../../clients/outsideText";
import { shown } from "../../components/settings";

/** A short text as code. */
export const inline = (text: string): string => markdownCode(text, 200);

/** A value outside of backticks, escaped so that it is not read as Markdown. */
export function literal(value: unknown): string {
    return shown(value).replace(/[\\`*_{}[\]<>()#+!|@~&]/g, "\\$&");
}

export const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length)}…` : text);
