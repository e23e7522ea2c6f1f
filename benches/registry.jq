# The table of registry.json. A ratio is the median of the rounds' own ratios, sealift to the other.
def is_bytes: . == "pull" or startswith("push-");
def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def fixed($digits): . * pow(10; $digits) | round / pow(10; $digits) | tostring;
def ratio($runs; $other; field):
  [$runs[] | select(.server == "sealift") as $own | $runs[] | select(.server == $other and .round == $own.round)
   | select(field > 0) | ($own | field) / field] | if length == 0 then "" else median | fixed(2) end;

"| what | clients | server | rate | CPU | peak MiB | sealift's CPU to its | sealift's rate to its |",
"|---|---|---|---|---|---|---|---|",
(.runs | group_by([.what, .clients])[] | . as $runs | group_by(.server)[] | . as $own | .[0]
 | (if .what | is_bytes then 1048576 else 1 end) as $unit
 | "| \(.what) | \(.clients) | \(.server) "
   + "| \([$own[].rate / $unit] | median | fixed(0)) \(if .what | is_bytes then "MiB/s" else "/s" end) "
   + "| \([$own[].cpu] | median | fixed(if $own[0].what | is_bytes then 3 else 1 end)) \(if .what | is_bytes then "s/GiB" else "us" end) "
   + "| \([$own[].peak_kib] | max / 1024 | fixed(0)) "
   + if .server == "sealift" then "| | |"
     else "| \(ratio($runs; .server; .cpu)) | \(ratio($runs; .server; .rate)) |" end)
