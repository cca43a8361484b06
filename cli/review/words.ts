/** Values in the Markdown of a review. Pure. */
import { shown } from "../../components/settings";

/** A short text in backticks. */
export function inline(text: string): string {
    return `\`${cut(text.replace(/[`\r\n]/g, "'"), 200)}\``;
}

/** A value outside of backticks, as it is read and not as Markdown. */
export function literal(value: unknown): string {
    return shown(value).replace(/[\\`*_{}[\]<>()#+!|@~&]/g, "\\$&");
}

export const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length)}…` : text);
