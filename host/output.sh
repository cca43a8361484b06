# What the host script prints: each line safe for a terminal, each message with its code (docs/messages.md).

newline='
'
tab='	'

# Reads: -. Sets: -. Prints: the line.
say() { printf '%s\n' "$*" 2>/dev/null; }

# Reads: -. Sets: -. Prints: the line, on standard error.
warn() { printf '%s\n' "$*" | visible >&2 2>/dev/null; }

# What zot, its issuer or a tool said may be in a message: a terminal is to show it, and to obey nothing in it. In
# bytes, since the script goes by them: controls, marks of direction, ends of lines and marks that are not seen. What is
# no UTF-8 becomes a question mark: the plugin command 1.2.1 fails on such output.
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
            gsub(/\302[\200-\237]|\330\234|\342\200[\213-\217\250-\256]|\342\201[\240-\251]|\357\273\277/, " ")
            print valid(substr($0, 1, 2000))
        }'
}

# A sentence with its reason: "It failed. [CODE]" and "disk full" make "It failed: disk full. [CODE]".
# Reads: -. Sets: -. Prints: the sentence.
because() { printf '%s: %s. [%s' "${1%. \[*}" "${2%.}" "${1##*\[}"; }

# Lines as one, for a sentence.
# Reads: -. Sets: -. Prints: one line.
joined() { printf '%s' "$1" | tr '\n' ';' | sed 's/;/; /g'; }
