/** The report as one self-contained page: no script, font or picture from elsewhere. Pure. */
import { printable } from "../../../clients/outsideText";
import type { Result } from "../outcome";
import { byInterest, type Report, summaryOf } from "./report";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--pass:#1a7f37;--fail:#c62828;--warning:#9a6700;--skipped:#6e7781}
@media(prefers-color-scheme:dark){:root{--pass:#3fb950;--fail:#ff7b72;--warning:#d29922;--skipped:#9198a1}}
body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin-top:2rem}
.summary{font-size:1.1rem;border-left:.4rem solid;padding-left:.8rem;margin:1rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0}dt{color:var(--skipped)}dd{margin:0;overflow-wrap:anywhere}
article{border-top:1px solid var(--line);padding:.6rem 0;break-inside:avoid}
article header{display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}article h3{font-size:1rem;margin:0;flex:1 1 20rem}
article p{margin:.2rem 0 .2rem 5.3rem;overflow-wrap:anywhere}article ul{margin:.2rem 0 .2rem 5.3rem;overflow-wrap:anywhere}
.verdict{font-weight:700;width:4.5rem;text-transform:uppercase;font-size:.8rem}
.pass{color:var(--pass)}.fail{color:var(--fail)}.warning{color:var(--warning)}.skipped{color:var(--skipped)}
code,table{font-family:ui-monospace,monospace;font-size:.82rem}
details{margin-left:5.3rem}summary{color:var(--skipped);cursor:pointer}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0;overflow-wrap:anywhere;border-top:1px solid var(--line)}
td:first-child{white-space:nowrap;overflow-wrap:normal}
@media(max-width:40rem){body{margin:1rem auto}article p,details{margin-left:0}table,tbody,tr,td{display:block}tr:first-child{display:none}td{border:0;padding:0}tr{border-top:1px solid var(--line);padding:.3rem 0}td:last-child::before{content:"\\2192  "}}
@media print{body{margin:0;max-width:none}details::details-content{content-visibility:visible;display:block;height:auto}summary{list-style:none}}
`;

const COLOUR = { pass: "pass", weakness: "fail", incomplete: "warning" } as const;

export function html(report: Report): string {
    const { registry, subject, started, seconds, readOnly, remarks, cleaning } = report;
    const facts: [string, string][] = [
        ["Registry", registry],
        ["Declared by", subject],
        ["When", `${started}, for ${seconds} s`],
        [
            "Mode",
            readOnly
                ? "read-only: nothing was stored and no user was made"
                : "with users and a repository made for this run, and removed",
        ],
    ];
    const list = (title: string, items: readonly string[]) =>
        items.length > 0
            ? `<h2>${escaped(title)}</h2>\n<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join("")}</ul>`
            : "";
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(registry)}: ${escaped(report.result)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Is the registry hardened?</h1>
<p class="summary ${COLOUR[report.result]}">${escaped(summaryOf(report))}</p>
<dl>${facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>
<h2>Checks</h2>
${byInterest(report.checks).map(article).join("\n")}
${list("Notes", remarks)}
${list("Left behind; to be removed by hand", cleaning.left)}
${list("Removed, left by interrupted runs", cleaning.leftOvers)}
${list("Removed again after this run", cleaning.removed)}
</body>
</html>
`;
}

function article({ id, title, verdict, meaning, remedy, details: found = [], exchanges, seconds }: Result): string {
    const rows = exchanges
        .map(
            ({ as, sent, received }) =>
                `<tr><td>${escaped(as)}</td><td>${escaped(sent)}</td><td>${escaped(received)}</td></tr>`,
        )
        .join("");
    const listed = found.length > 0 ? `<ul>${found.map((item) => `<li>${escaped(item)}</li>`).join("")}</ul>` : "";
    const details =
        rows &&
        `<details${verdict === "fail" ? " open" : ""}><summary>${exchanges.length} request${exchanges.length === 1 ? "" : "s"}, ${seconds} s</summary><table><tr><th>as</th><th>sent</th><th>came back</th></tr>${rows}</table></details>`;
    return (
        `<article id="${escaped(id)}"><header><span class="verdict ` +
        `${verdict}">${verdict}</span><h3>${escaped(title)}</h3><code>${escaped(id)}</code></header><p>${escaped(meaning)}</p>${listed}${remedy ? `<p>&rarr; ${escaped(remedy)}</p>` : ""}${details}</article>`
    );
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escaped = (text: string) => printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
