# The tables of benches/deltas, from its lines of results (jq -rs). Of one pair and tool the last line counts.
def others: ["casync", "xdelta3", "patch-from-3", "patch-from-19", "bsdiff", "tar-diff"];
def fixed($digits): . * pow(10; $digits) | round / pow(10; $digits) | tostring;
def row: "| " + join(" | ") + " |";

[.[] | select(.pair)] as $lines
| (reduce $lines[] as $l ([]; if index([$l.pair]) then . else . + [$l.pair] end)) as $pairs
| (reduce $lines[] as $l ({}; .[$l.pair][$l.what] = $l)) as $results
| ([$lines[].what] | unique) as $all
| [others[] | select(. as $o | $all | index($o))] as $others
| [$all[] | select(startswith("sealift"))] as $ours
| (["pair", "new tar", "whole"] + $others + ["best of others"] + [$ours[] | ., "to best", "its patches", "to best"]) as $head
| "Bytes:", "", ($head | row), ($head | map("---") | row),
  ($pairs[] | . as $pair | $results[$pair] as $r
   | ([$r.whole, $r[$others[]]] | map(.bytes // empty) | min) as $best
   | [$pair, ([$r[]] | first | .new_tar_bytes | tostring), ($r.whole.bytes // "" | tostring)]
     + [$others[] | $r[.].bytes // "" | tostring] + [$best // "" | tostring]
     + [$ours[] | $r[.] | .bytes, .patches | if . == null then "", "" else tostring, (if $best then . / $best | fixed(3) else "" end) end]
   | row),
  "", "CPU seconds to encode / to decode, highest peak of memory in MiB:", "",
  (["pair"] + $others + $ours | row), (["pair"] + $others + $ours | map("---") | row),
  ($pairs[] | . as $pair | $results[$pair] as $r
   | [$pair] + [($others + $ours)[] | $r[.] | if .encode then
       "\(.encode.cpu_s | fixed(1)) / \(.decode.cpu_s | fixed(2)), \([.encode.peak_kib, .decode.peak_kib] | max / 1024 | fixed(0))"
       else "" end]
   | row)
