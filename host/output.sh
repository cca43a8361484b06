# Output of the host script: each line is safe for a terminal, each message has its code (docs/messages.md).

newline='
'
tab='	'

# Reads: -. Sets: -. Prints: the line.
say() { printf '%s\n' "$*" 2>/dev/null; }

# Reads: -. Sets: -. Prints: the line, on standard error.
warn() { printf '%s\n' "$*" | visible >&2 2>/dev/null; }

# Output of zot, of its issuer or of a tool may be part of a message, and must not control the terminal that shows it.
# Works on bytes: replaces control characters, marks of text direction, line ends and invisible characters
# (clients/outsideText.ts knows the same). Replaces invalid UTF-8 with a question mark, because the plugin command 1.2.1
# fails on it.
# Reads: -. Sets: -. Prints: its input, safe for a terminal.
visible() {
    awk '
        function valid(text,    line, run) {
            while (match(text, /[\200-\377]+/)) {
                line = line substr(text, 1, RSTART - 1)
                run = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                while (run != "") {
                    if (!match(run, /^([\302-\337][\200-\277]|[\340-\357][\200-\277][\200-\277]|[\360-\364][\200-\277][\200-\277][\200-\277])/)) RLENGTH = 0
                    line = line (RLENGTH ? substr(run, 1, RLENGTH) : "?")
                    run = substr(run, (RLENGTH ? RLENGTH : 1) + 1)
                }
            }
            return line text
        }
        {
            gsub(/[\001-\010\013-\037\177]/, " ")
            gsub(/\302[\200-\237\255]|\315\217|\330\234|\341\205[\237\240]|\341\236[\264\265]|\341\240[\213-\217]|\342\200[\213-\217\250-\256]|\342\201[\240-\257]/, " ")
            gsub(/\343\205\244|\357\270[\200-\217]|\357\273\277|\357\276\240|\357\277[\260-\273]/, " ")
            gsub(/\360\233\262[\240-\243]|\360\235\205[\263-\272]|\363\240[\200-\277][\200-\277]/, " ")
            # Many combining marks on one letter would cover other lines.
            while (match($0, /(\314[\200-\277]|\315[\200-\257])(\314[\200-\277]|\315[\200-\257])(\314[\200-\277]|\315[\200-\257])(\314[\200-\277]|\315[\200-\257])(\314[\200-\277]|\315[\200-\257])+/))
                $0 = substr($0, 1, RSTART + 7) " " substr($0, RSTART + RLENGTH)
            print valid(substr($0, 1, 2000))
        }'
}

# Adds the reason to a sentence: "It failed. [CODE]" and "disk full" become "It failed: disk full. [CODE]".
# Reads: -. Sets: -. Prints: the sentence.
because() { printf '%s: %s. [%s' "${1%. \[*}" "${2%.}" "${1##*\[}"; }

# Joins lines into one, for a sentence.
# Reads: -. Sets: -. Prints: one line.
joined() { printf '%s' "$1" | tr '\n' ';' | sed 's/;/; /g'; }
