# Runs (tab-separated: size, what, cache, round, wall s, user s, sys s, peak KiB, server's CPU s) to results.json.
# `$machine`: facts, in an array of one; `$bytes`: size to the bytes of its bundle and of its largest blob.

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def round3: . * 1000 | round / 1000;
def spread: {median: (median | round3), min: (min | round3)};

[inputs | split("\t") | {
  size: .[0], what: .[1], cache: .[2], round: (.[3] | tonumber), wall: (.[4] | tonumber),
  cpu: ((.[5] | tonumber) + (.[6] | tonumber)), peak_kib: (.[7] | tonumber), server_cpu: (.[8] | tonumber)
}] as $runs

# Each round's quotient, so that a slow minute is on both sides; `min` instead compares the best of each.
| def ratio($size; $cache; $what; $than):
    [$runs[] | select(.size == $size and .cache == $cache)] as $here
    | [$here[] | select(.what == $what)] as $ours
    | [$ours[] | .round as $round | [$than[] as $t | $here[] | select(.what == $t and .round == $round)]
        | select(length == ($than | length)) | {wall: (map(.wall) | add), cpu: (map(.cpu) | add)}] as $theirs
    | select(($ours | length) > 0 and ($theirs | length) == ($ours | length))
    | [$ours, $theirs] | transpose as $pairs
    | {
        size: $size, cache: $cache, what: $what, than: ($than | join(" + ")),
        wall: ($pairs | map(.[0].wall / .[1].wall) | median | round3),
        wall_of_minima: (($ours | map(.wall) | min) / ($theirs | map(.wall) | min) | round3),
        cpu: ($pairs | map(.[0].cpu / ([.[1].cpu, 0.01] | max)) | median | round3)
      };

{
  machine: $machine[0],
  bytes: $bytes,
  results: [
    $runs | group_by([.size, .what, .cache])[] | {
      size: .[0].size, what: .[0].what, cache: .[0].cache, rounds: length,
      wall_s: (map(.wall) | spread), cpu_s: (map(.cpu) | spread), server_cpu_s: (map(.server_cpu) | spread),
      peak_mib: (map(.peak_kib) | max / 1024 | round3)
    }
  ],
  ratios: [
    ($bytes | keys[]) as $size | ("warm", "cold") as $cache
    # The limits are for a medium that is not the limit, and mean nothing where starting a process weighs.
    | (if $size == "smoke" then {} else null end) as $no_limit
    | ratio($size; $cache; "pack"; ["pack/cp+sync", "pack/hash"]) + ($no_limit // {limit: 1.3}),
      ratio($size; $cache; "pack"; ["pack/cp", "pack/hash"]),
      ratio($size; $cache; "pack"; ["pack/skopeo"]),
      ratio($size; $cache; "verify"; ["verify/hash"]) + ($no_limit // {limit: 1.1}),
      ratio($size; $cache; "verify-1-core"; ["verify-1-core/hash"]) + ($no_limit // {limit: 1.1}),
      ratio($size; $cache; "import"; ["import/cp+sync", "import/hash"]) + ($no_limit // {limit: 1.3}),
      ratio($size; $cache; "import"; ["import/cp", "import/hash"])
  ],
  runs: $runs
}
