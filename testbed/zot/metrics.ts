/** The figures at `/metrics`, in Prometheus' text format: a few of zot's own, under zot's names. */
import type { Storage } from "./storage";
import { version } from "./version";

export class Metrics {
    private readonly requests = new Map<string, number>();

    count(method: string, status: number): void {
        const labels = `method="${method}",code="${status}"`;
        this.requests.set(labels, (this.requests.get(labels) ?? 0) + 1);
    }

    text(storage: Storage): string {
        const lines = [
            "# HELP zot_info Zot general information",
            "# TYPE zot_info gauge",
            `zot_info{binaryType="${version.binaryType}",commit="${version.commit}",distSpecVersion="${version.distributionSpecification}",goVersion=""} 0`,
            "# HELP zot_http_requests_total Total number of http request in zot",
            "# TYPE zot_http_requests_total counter",
            ...[...this.requests].map(([labels, count]) => `zot_http_requests_total{${labels}} ${count}`),
            "# HELP zot_repo_storage_bytes Storage used per zot repo",
            "# TYPE zot_repo_storage_bytes gauge",
            ...storage
                .repositories()
                .map((repository) => `zot_repo_storage_bytes{repo="${repository}"} ${storage.sizeOf(repository)}`),
        ];
        return `${lines.join("\n")}\n`;
    }
}
