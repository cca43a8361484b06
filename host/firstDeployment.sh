# Finds what a first deployment would remove from the present config.

# On the first deployment, lists what the config on the host has and ours does not: it would be lost without notice.
# Reads: config data folder. Sets: -. Prints: -. Scratch: lost same_storage storage_there.
check_first_deployment() {
    [ -f "$config" ] && [ -z "$(deployments)" ] || return 0
    cmp -s "$config" "$folder/config" && return 0
    sed -n 's/^dropSetting=//p' "$folder/settings" | tr '[:upper:]' '[:lower:]' >"$folder/dropped"
    json_nodes <"$config" >"$folder/nodes-there" 2>/dev/null || {
        [ -s "$folder/dropped" ] && return 0
        ! json_nodes <"$config" >/dev/null 2>&1 || fail "The config on the host could not be compared with the new one, because nothing can be written in $folder; make room there. [ZH-FIRST-NO-ROOM]"
        fail "The config on the host, $config, is not JSON and cannot be compared with the new one. If nothing in it has to stay, set zot.dropSettings to [\"*\"]. [ZH-FIRST-NOT-JSON]"
    }
    json_nodes <"$folder/config" >"$folder/nodes-ours"
    # A folder can be spelled in many ways.
    same_storage=
    storage_there=$(node_value storage.rootdirectory <"$folder/nodes-there")
    case $storage_there in /*) if [ "$(cd -P "$storage_there" 2>/dev/null && pwd -P)" = "$(cd -P "$data" 2>/dev/null && pwd -P)" ]; then same_storage=yes; fi ;; esac
    lost=$(awk -F '\t' -v dropped="$folder/dropped" -v same_storage="$same_storage" '
        # Whether a node is the other one, or below it.
        function within(path, above) { return path == above || (index(path, above) == 1 && substr(path, length(above) + 1, 1) ~ /[.\[]/) }
        # A pull-through cache is identified by its address, not by its position.
        function known(file, path,    list) {
            if (!match(path, /^extensions\.sync\.registries\[[0-9]+\]/)) return path
            list = substr(path, 1, RLENGTH)
            return ((file, list) in address) ? "extensions.sync.registries[" address[file, list] "]" substr(path, RLENGTH + 1) : path
        }
        function read_nodes(file,    line, node, url) {
            while ((getline line < file) > 0) {
                split(line, node, "\t")
                count[file]++
                path[file, count[file]] = node[1]
                written[file, count[file]] = node[2]
                value[file, count[file]] = node[3]
                if (node[1] !~ /^extensions\.sync\.registries\[[0-9]+\]\.urls\[0\]$/) continue
                url = node[3]
                sub(/\/+$/, "", url)
                sub(/\.urls\[0\]$/, "", node[1])
                address[file, node[1]] = url
            }
        }
        # These are no settings: an empty value, a switch at its default, and anything in an extension that is off.
        function is_empty(name, value) {
            if (name ~ /(^|\.)(dedupe|gc|tlsverify|deleteuntagged|synclegacycosigntags)$/) return value == "true"
            # An empty address means all addresses.
            if (name == "http.address") return 0
            if (value == "false") return name !~ /(^|\.)securesession$/
            return value == "" || value == "0"
        }
        function is_same(name, there, ours) {
            if (name != "http.address") return there == ours
            if (there == "") return ours == "[::]" || ours == "0.0.0.0"
            return (there == "localhost" ? "127.0.0.1" : there) == ours
        }
        function find_effects(file,    at, below, parent, disabled) {
            for (at = count[file]; at >= 1; at--) {
                parent = path[file, at]
                effect[at] = !is_empty(parent, value[file, at])
                if (!within(path[file, at + 1], parent)) continue
                effect[at] = disabled = 0
                for (below = at + 1; below <= count[file] && within(path[file, below], parent); below++) {
                    if (effect[below]) effect[at] = 1
                    if (path[file, below] == parent ".enable" && value[file, below] == "false") disabled = 1
                }
                if (disabled && parent ~ /^extensions\.[^.[]+$/) for (below = at; below <= count[file] && within(path[file, below], parent); below++) effect[below] = 0
            }
        }
        BEGIN {
            while ((getline line < dropped) > 0) drop[line] = 1
            read_nodes(ARGV[1])
            read_nodes(ARGV[2])
            find_effects(ARGV[2])
            for (at = 1; at <= count[ARGV[1]]; at++) ours[known(ARGV[1], path[ARGV[1], at])] = value[ARGV[1], at]
            for (at = 1; at <= count[ARGV[2]]; at++) {
                if (!effect[at]) continue
                there = path[ARGV[2], at]
                name = known(ARGV[2], there)
                dropping = 0
                for (one in drop) if (one == "*" || within(there, one)) dropping = 1
                if (dropping || (shown != "" && within(there, shown))) continue
                # Our own file names the client.
                if (there ~ /^http\.auth\.openid\.providers\.oidc\.client(id|secret)$/ && "http.auth.openid.providers.oidc.credentialsfile" in ours) continue
                # The settings decide what our rules allow.
                if (match(there, /^http\.accesscontrol\.repositories\..*\.(anonymous|default)policy\[/) && substr(there, 1, RLENGTH - 1) in ours) continue
                if (!(name in ours)) {
                    shown = there
                    print written[ARGV[2], at] ((ARGV[2], there) in address ? " (" address[ARGV[2], there] ")" : "")
                } else if (there == "storage.rootdirectory" && same_storage) {
                    continue
                } else if (there ~ /^(storage\.rootdirectory|http\.(address|port|readtimeout|writetimeout))$/ && !is_same(there, value[ARGV[2], at], ours[name])) {
                    print written[ARGV[2], at] " (" (value[ARGV[2], at] == "" ? "all addresses" : value[ARGV[2], at]) " there, " ours[name] " by the settings)"
                }
            }
        }' "$folder/nodes-ours" "$folder/nodes-there")
    [ -z "$lost" ] && return 0
    lost=$(joined "$lost")
    fail "The config on the host has settings that this program does not manage and the first deployment would remove: $lost. Put what has to stay into zot.extraConfig (npm run config -- --from FILE writes it), and what may go into zot.dropSettings. [ZH-FIRST-WOULD-REMOVE]"
}
