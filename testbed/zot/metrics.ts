/** The figures at `/metrics`, in Prometheus' text format: a few of zot's own, under zot's names. */
import { version } from "./version";

export class Metrics {
    private readonly requests = new Map<string, number>();

    count(method: string, status: number): void {
        const labels = `method="${method}",code="${status}"`;
        this.requests.set(labels, (this.requests.get(labels) ?? 0) + 1);
    }

    text(): string {
        const lines = [
            "# HELP zot_info Zot general information",
            "# TYPE zot_info gauge",
            `zot_info{binaryType="${version.binaryType}",commit="${version.commit}",distSpecVersion="${version.distributionSpecification}",goVersion=""} 0`,
            "# HELP zot_http_requests_total Total number of http request in zot",
            "# TYPE zot_http_requests_total counter",
            ...[...this.requests].map(([labels, count]) => `zot_http_requests_total{${labels}} ${count}`),
        ];
        return `${lines.join("\n")}\n`;
    }
}
