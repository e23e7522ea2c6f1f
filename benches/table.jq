# results.json to the tables of results.md.

def row: "| " + (map(tostring) | join(" | ")) + " |";
def table($head): ($head | row), ($head | map("---") | row), (.[] | row);
# The order of the runs, not of the alphabet.
def order: {"pack": 0, "verify": 1, "verify-1-core": 2, "import": 3}[.what | split("/")[0]] // 4;
def by_size: {"smoke": 0, "1g": 1, "4g": 2}[.size] // 3;

.bytes as $bytes | .machine as $m
| "\($m.date), \($m.versions.sealift) at \($m.commit). \($m.cpu), \($m.cores) cores, SHA instructions: \($m.sha_instructions); \($m.memory_mib) MiB; \($m.kernel); \($m.file_system). \($m.versions | del(.sealift) | [.[] | select(. != "")] | join("; ")).",
  "`openssl speed` SHA-256: \(($m.openssl_speed_sha256_bytes_per_s // 0) / 1e6 | round) MB/s. Load when it began: \($m.load_at_start).",
  "",
  ([.ratios | sort_by(by_size)[] | [.size, .cache, .what, .than, .wall, .wall_of_minima, .cpu,
     (if .limit then "\(.limit)\(if .wall <= .limit then "" else " **missed**" end)" else "" end)]]
   | table(["size", "cache", "what", "compared with", "wall, median of rounds", "wall, of minima", "CPU", "limit"])),
  "",
  ([.results | sort_by(by_size, .cache == "cold", order, .what)[] | select(order < 4)
    | [.size, .cache, .what, .wall_s.median, .wall_s.min, .cpu_s.median, .cpu_s.min, .peak_mib,
       ($bytes[.size].bundle / 1048576 / .wall_s.median | round)]]
   | table(["size", "cache", "command", "wall s, median", "wall s, min", "CPU s, median", "CPU s, min", "peak MiB", "MiB/s"])),
  "",
  ([.results | sort_by(by_size, .what)[] | select(order == 4)
    | (if .what | endswith("/curl") then $bytes[.size].largest_blob else $bytes[.size].bundle end) as $read
    | [.size, .what, .wall_s.median, .wall_s.min, ($read / 1048576 / .wall_s.median | round),
       .server_cpu_s.median, (.server_cpu_s.median / ($read / 1073741824) * 1000 | round / 1000)]]
   | table(["size", "server/client", "wall s, median", "wall s, min", "MiB/s", "server CPU s, median", "server CPU s per GiB"]))
