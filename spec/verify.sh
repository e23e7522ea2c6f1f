#!/bin/sh
# Proves a Sealift bundle (bundle.md) with other people's tools: tar, jq, openssl, sha256sum, coreutils. It shares no code
# with sealift, so an auditor can read what is checked, and need not believe the program.
#
#   verify.sh BUNDLE KEY.pub [KEY.pub ...]
#
# All keys must have signed the release, one of them the packing list. The bundle is only read; its content is unpacked
# into a new folder below $TMPDIR, which needs as much space as the bundle has, and is removed at the end.
# Exit: 0 proved, 1 refused, 2 cannot be checked here.
#
# shellcheck disable=SC2016 # the single quotes hold programs for jq
set -eu
LC_ALL=C
export LC_ALL
umask 077

fail() { printf 'FAIL: %s\n' "$1"; exit 1; }
cannot() { printf 'verify.sh: %s\n' "$1" >&2; exit 2; }

[ $# -ge 2 ] || cannot 'usage: verify.sh BUNDLE KEY.pub [KEY.pub ...]'
for tool in tar jq openssl sha256sum base64 cmp diff cut cat head mktemp od realpath rm sort stat tr uniq wc; do
    command -v "$tool" >/dev/null 2>&1 || cannot "$tool is missing"
done
case $(tar --version 2>/dev/null) in
*GNU*) ;;
*) cannot 'tar is not GNU tar' ;;
esac
bundle=$(realpath -e -- "$1") || cannot "$1 cannot be read"
if ! [ -f "$bundle" ] || ! [ -r "$bundle" ]; then cannot "$1 cannot be read"; fi
shift
temporary=$(mktemp -d "${TMPDIR:-/tmp}/sealift-verify.XXXXXXXX")
trap 'rm -rf -- "$temporary"' EXIT
trap 'exit 2' HUP INT TERM
mkdir "$temporary/x" "$temporary/keys"

# --- Keys -------------------------------------------------------------------------------------------------------------
# The points of small order, and their other spellings: anybody can sign for these as keys (RFC 8032 section 8.9 of the
# security considerations; bundle.md 4.2). The last digits carry the sign, so both of them are listed.
weak_point() {
    case $1 in
    0100000000000000000000000000000000000000000000000000000000000000 | \
        0100000000000000000000000000000000000000000000000000000000000080 | \
        0000000000000000000000000000000000000000000000000000000000000000 | \
        0000000000000000000000000000000000000000000000000000000000000080 | \
        ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff[7f]f | \
        edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff[7f]f | \
        eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff[7f]f | \
        26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc[08]5 | \
        c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03[7f]a) return 0 ;;
    *) return 1 ;;
    esac
}
hexadecimal() { od -An -v -tx1 | tr -d ' \n'; }

keyids=
for key in "$@"; do
    spki=$temporary/spki
    openssl pkey -pubin -in "$key" -outform DER >"$spki" 2>/dev/null || cannot "$key is not a public key in PEM form"
    # An Ed25519 key's SubjectPublicKeyInfo is these 12 bytes and the point (RFC 8410).
    hex=$(hexadecimal <"$spki")
    case $hex in
    302a300506032b6570032100*) ;;
    *) cannot "$key is not an Ed25519 key" ;;
    esac
    ! weak_point "${hex#302a300506032b6570032100}" || cannot "$key is a weak key"
    id=$(sha256sum <"$spki" | cut -d ' ' -f 1)
    [ ! -e "$temporary/keys/$id" ] || cannot "$key was given twice"
    openssl pkey -pubin -inform DER -in "$spki" -out "$temporary/keys/$id"
    keyids="$keyids $id"
done

# --- Archive: shape and names -----------------------------------------------------------------------------------------
cd "$temporary"
printf 'release.dsse.json\000' >first
head -c 18 -- "$bundle" | cmp -s - first || fail 'release.dsse.json is not the first member: not a Sealift bundle'
# What tar makes of a hostile archive is not proved yet: the archive that is built again below proves it.
tar -tvf "$bundle" >listing 2>errors || fail "the archive: $(head -n 1 errors)"
[ ! -s errors ] || fail "the archive: $(head -n 1 errors)"
[ "$(cut -c 1 listing | sort -u)" = - ] || fail 'the archive: a member is not a regular file'
tar -tf "$bundle" >names 2>/dev/null || fail 'the archive cannot be listed'
odd=$(jq -Rrn '[inputs | select(test("\\A(release[.]dsse[.]json|trust/[1-9][0-9]{0,9}[.]root[.]dsse[.]json|packing-list[.]dsse[.]json|oci-layout|index[.]json|(blobs|deltas)/sha256/[0-9a-f]{64})\\z") | not)] | first // empty | tojson' names)
[ -z "$odd" ] || fail "$odd is not the name of a member"
twice=$(sort names | uniq -d | head -n 1)
[ -z "$twice" ] || fail "$twice stands twice in the archive"
tar -C x --no-same-owner --no-same-permissions -xf "$bundle" 2>errors || fail "the archive: $(head -n 1 errors)"
cd x
for name in release.dsse.json packing-list.dsse.json oci-layout index.json; do
    [ -f "$name" ] || fail "$name is missing"
done

# --- Definitions for jq -----------------------------------------------------------------------------------------------
# In the regular expressions of jq, ^ and $ are the ends of lines: \A and \z are those of the text.
definitions='
def text: type == "string";
def whole: type == "number" and . >= 0 and . <= 9007199254740991 and . == floor;
def hex: text and test("\\A[0-9a-f]{64}\\z");
def digest: text and test("\\Asha256:[0-9a-f]{64}\\z");
def tag: text and test("\\A[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\\z");
def template_name: text and test("\\A[a-z]([a-z0-9-]{0,38}[a-z0-9])?\\z");
def template_version: tag and length <= 64;
def revision: whole and . >= 1 and . <= 4294967295;
def tagged: "\(.name):\(.version)" + (if .revision > 1 then "-r\(.revision)" else "" end);
def instant: text and test("\\A(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\\z")
    and (. as $t | try (fromdate | todate) catch "" | . == $t);
# bundle.md 3.1, a normalised name: host, repository, tag and/or digest.
def image_name: text and (
    [capture("\\A(?<host>[^/@]+)/(?<repository>[^:@]+)(?<tag>:[^@]+)?(?<digest>@.+)?\\z")]
    | length == 1 and (.[0] | (.host | test("\\A[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?\\z")
        and (test("[.:]") or . == "localhost")
        and (IN("index.docker.io", "registry-1.docker.io", "registry.docker.io") | not))
    and (.repository | test("\\A[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)*\\z"))
    and (.host != "docker.io" or (.repository | contains("/")))
    and (.host + .repository | length < 255)
    and (.tag != null or .digest != null)
    and (.tag == null or (.tag[1:] | tag))
    and (.digest == null or (.digest[1:] | digest))));
def relative_path: text and utf8bytelength <= 255 and (test("[\\x{00}-\\x{1f}\\x{7f}-\\x{9f}\\\\]") | not)
    and (split("/") | length > 0 and all(.[]; IN("", ".", "..") | not));
def optional(f): . == null or f;
def strings: type == "object" and all(.[]; text);
def descriptor: type == "object" and (.mediaType | text) and (.digest | digest)
    and (.size | whole and . <= 1099511627776)
    and (if has("urls") then .urls == [] else true end)
    and (.artifactType | optional(text))
    and (if has("annotations") then .annotations | strings else true end)
    and (.platform | optional(type == "object" and (.architecture | text) and (.os | text)
        and (.variant | optional(text)) and (."os.version" | optional(text))));
def is_index: IN("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json");
def is_manifest: IN("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json");
def is_document: is_index or is_manifest;
def template: "application/vnd.sealift.template.v1";
def number: ascii_downcase | explode | reduce .[] as $c (0; . * 16 + (if $c > 57 then $c - 87 else $c - 48 end));
def little: [scan("..")] | reverse | join("") | number;
def depth: if type == "object" or type == "array" then 1 + ([.[] | depth] | max // 0) else 0 end;
'
# holds MEMBER RULE-IN-WORDS FILE FILTER [jq's options]: the filter must give true, once.
holds() {
    member=$1 rule=$2 file=$3 filter=$4
    shift 4
    [ "$(jq -c "$@" "$definitions $filter" "$file" 2>/dev/null)" = true ] || fail "$member: $rule"
}

# --- Envelopes --------------------------------------------------------------------------------------------------------
for what in release packing-list; do
    member=$what.dsse.json
    limit=4194304
    [ $what = release ] || limit=67108864
    [ "$(stat -c %s "$member")" -le $limit ] || fail "$member has more than $limit bytes"
    # One envelope has one spelling (bundle.md 4.1).
    jq -cs 'if length == 1 then .[0] | {payloadType, payload, signatures: [.signatures[] | {keyid, sig}]} else error end' \
        "$member" >../spelled 2>/dev/null || fail "$member is not an envelope"
    cmp -s ../spelled "$member" || fail "$member is not spelled as an envelope must be"
    holds "$member" 'not an envelope of 1 to 16 signatures over an in-toto statement' "$member" '
        .payloadType == "application/vnd.in-toto+json" and (.payload | text)
        and (.signatures | length >= 1 and length <= 16 and all(.[]; (.keyid | hex) and (.sig | text and test("\\A[A-Za-z0-9+/=]*\\z"))))'
    jq -j .payload "$member" >../base64
    base64 -d <../base64 >"../$what" 2>/dev/null || fail "$member: the payload is not base64"
    base64 -w 0 <"../$what" | cmp -s - ../base64 || fail "$member: the payload's base64 is not canonical"
    {
        printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(stat -c %s "../$what")"
        cat "../$what"
    } >"../$what.pae"
    jq -r '.signatures[] | "\(.keyid) \(.sig)"' "$member" >"../$what.signatures"
    : >"../$what.signers"
    while read -r id text; do
        printf %s "$text" | base64 -d >../signature 2>/dev/null || fail "$member: a signature is not base64"
        base64 -w 0 <../signature >../base64
        [ "$(cat ../base64)" = "$text" ] || fail "$member: a signature's base64 is not canonical"
        # Only trusted keys decide, and only under their own identity.
        [ -f "../keys/$id" ] || continue
        [ "$(stat -c %s ../signature)" = 64 ] || continue
        ! weak_point "$(head -c 32 ../signature | hexadecimal)" || continue
        # Not from a pipe: openssl 3.0 must know the size of what it verifies.
        if openssl pkeyutl -verify -rawin -pubin -inkey "../keys/$id" -in "../$what.pae" -sigfile ../signature >/dev/null 2>&1; then
            printf '%s\n' "$id" >>"../$what.signers"
        fi
    done <"../$what.signatures"
done
for id in $keyids; do
    found=no
    while read -r signer; do [ "$signer" != "$id" ] || found=yes; done <../release.signers
    [ $found = yes ] || fail "release.dsse.json has no good signature of the key $id"
done
[ "$(wc -l <../packing-list.signatures)" -eq 1 ] || fail 'packing-list.dsse.json has more than one signature'
[ -s ../packing-list.signers ] || fail 'packing-list.dsse.json has no good signature of a given key'
packer=$(cat ../packing-list.signers)

# --- Statements -------------------------------------------------------------------------------------------------------
for what in release packing-list; do
    member=$what.dsse.json
    # Compact, as jq prints it. That excludes members that stand twice, bad UTF-8, floats and numbers that are rounded.
    {
        cat "../$what"
        echo
    } >../written
    jq -cs 'def plain: if type == "object" then map_values(plain) elif type == "array" then map(plain)
            elif type == "number" then . + 0 else . end;
            if length == 1 then .[0] | plain else error end' "../$what" >../spelled 2>/dev/null ||
        fail "$member: the statement is not JSON"
    cmp -s ../spelled ../written || fail "$member: the statement is not spelled as it must be, or a member stands twice in it"
    holds "$member" 'the statement is nested deeper than 32' "../$what" 'depth <= 32'
    holds "$member" 'a number is not an integer from 0 to 2^53-1' "../$what" '[.. | numbers | select(whole | not)] == []'
    holds "$member" "not an in-toto statement about one thing, of the kind $what in version 1" "../$what" '
        type == "object" and ._type == "https://in-toto.io/Statement/v1"
        and .predicateType == "https://sealift.dev/\($what)/v1"
        and (.subject | type == "array" and length == 1)
        and (.subject[0] | type == "object" and (.name | text)
            and (.digest | type == "object" and keys == ["sha256"] and (.sha256 | hex)))
        and (.predicate | type == "object")' --arg what $what
    holds "$member" 'it requires a feature that is not known here' "../$what" '
        .predicate | if has("requires") then .requires | type == "array" and all(.[]; text)
            and . - (if $what == "packing-list" then ["patches-v1"] else [] end) == [] else true end' --arg what $what
done
holds release.dsse.json 'the statement does not have the members of a release' ../release '.predicate
    | (.name | template_name) and (.version | template_version) and (.revision | revision)
    and (.size | whole and . <= 4194304)
    and (.images | type == "array" and all(.[]; type == "object" and (.name | image_name) and (.digest | digest)))
    and (.channel | optional(template_version)) and (.issuedAt | optional(instant))
    and (.epoch | optional(whole)) and (.counter | optional(whole))'
release_id=$(sha256sum <../release | cut -d ' ' -f 1)
holds packing-list.dsse.json 'the statement does not have the members of a packing list' ../packing-list '.predicate
    | (.kind | IN("full", "delta", "compact")) and (.release | digest)
    and (.omitted | type == "array" and all(.[]; digest) and . == unique)
    and (if has("platforms") then .platforms | type == "array" and all(.[]; text and test("\\A[!-~]+\\z")) else true end)
    and (.members | type == "array" and length <= 200000
        and all(.[]; type == "object" and (.name | text) and (.size | whole) and (.sha256 | hex)))'
holds packing-list.dsse.json 'it is the list of another release' ../packing-list '
    .predicate.release == "sha256:" + $id and .subject == $release[0].subject' \
    --arg id "$release_id" --slurpfile release ../release
holds packing-list.dsse.json 'its members are not in the order of bundle.md 1.5' ../packing-list '
    def trust: select(test("\\Atrust/[1-9][0-9]{0,9}[.]root[.]dsse[.]json\\z")) | .[6:] | split(".")[0] | tonumber;
    .predicate.members | map(.name) as $names | [$names[] | trust] as $trust | ($trust | length) as $n
    | $names[0] == "release.dsse.json" and $n <= 64 and $trust == ($trust | unique) and all($trust[]; . <= 4294967295)
    and [$names[1 : 1 + $n][] | trust] == $trust
    and $names[1 + $n : 3 + $n] == ["oci-layout", "index.json"]
    and ([.[3 + $n :][] | .name | startswith("deltas/")] as $is | $is == ($is | sort))
    and all(.[3 + $n :][]; (.name == "blobs/sha256/" + .sha256 or .name == "deltas/sha256/" + .sha256) and .size <= 1099511627776)
    and ($names | length == (unique | length))'

# bundle.md 5.4. Objects as sets, so that long lists take no longer than they must.
holds packing-list.dsse.json 'what it says of blobs that are left to the site breaks a rule of bundle.md 5.4' ../packing-list '
    def set: map({key: ., value: true}) | from_entries;
    def places($n): type == "array" and all(.[]; whole and . < $n) and . == unique;
    def blob($n): type == "object" and (.digest | digest) and (.size | whole and . <= 1099511627776) and (.bases | places($n));
    def meets($state): any(.bases[]; IN($state[]));
    def serves($state): all(.sources[]; .bases == [] or meets($state));
    def template_label: text and (split(":") | length == 2 and (.[0] | template_name) and (.[1] | tag));
    .predicate | (.members | map(select(.name | startswith("deltas/")) | .sha256)) as $patches
    | (.requires // [] | any(.[]; . == "patches-v1")) == ($patches != [])
    and if .kind == "full" then .rebuild == null and $patches == [] else
        (.members | map(select(.name | startswith("blobs/")) | {key: ("sha256:" + .sha256), value: .size}) | from_entries) as $carried
        | .kind as $kind | .rebuild
        | type == "object" and (.bases | type == "array" and length <= 64 and all(.[]; type == "object" and (.name | template_label) and (.digest | digest))
            and (map([.name, .digest]) | . == unique) and (map(.digest) | length == (unique | length)))
        and (.bases | length) as $n
        | (.states | type == "array" and length <= 64 and all(.[]; places($n) and . != []) and . == unique
            and (add // [] | unique) == [range($n)])
        and (if $kind == "delta" then $n >= 1 else $n == 0 and .present == [] end)
        and .states as $states
        | (.present | type == "array" and all(.[]; blob($n)) and (map(.digest) | . == unique)
            and all(.[]; . as $b | all($states[]; . as $state | $b | meets($state))))
        and (.rebuilt | type == "array" and all(.[]; blob($n) and (.patches | type == "array" and length >= 1 and length <= 64
            and all(.[]; type == "object" and (.patch | hex) and (.space | whole and . <= 17592186044416) and (.memory | whole)
                and (.sources | type == "array" and length <= 4096 and all(.[]; blob($n)) and (map(.digest) | length == (unique | length)))))))
        and ([.present[], .rebuilt[] | .digest] | length == (unique | length) and (. - ($carried | keys)) == .
            and length + ($carried | length) <= 200000)
        and ([.rebuilt[].patches[].patch] | sort == ($patches | sort))
        and ([(.present[], .rebuilt[], .rebuilt[].patches[].sources[]) | {digest, size}]
            + [$carried | to_entries[] | {digest: .key, size: .value}] | unique | length == (unique_by(.digest) | length))
        and (.rebuilt | map(.digest) | to_entries | map({key: .value, value: .key}) | from_entries) as $place
        | all(.rebuilt | to_entries[]; .key as $here | .value | . as $b | all(.patches[]; . as $way
            | all(.sources[]; .digest != $b.digest
                and (.bases != [] or $carried[.digest] != null or ($place[.digest] // $here) < $here))
            and ($states == [] or any($states[]; . as $state | $way | serves($state))))
            and all($states[]; . as $state | $b | meets($state) or any(.patches[]; serves($state))))
    end'

# --- The archive is exactly what was signed ---------------------------------------------------------------------------
jq -r '.predicate.members | map(.name) as $n | ($n | map(select(test("\\A(release|trust)"))) | length) as $head
    | ($n[:$head] + ["packing-list.dsse.json"] + $n[$head:])[]' ../packing-list >../wanted
if ! cmp -s ../wanted ../names; then
    fail "the members are not those of the packing list, in its order: $(diff ../wanted ../names | head -n 2 | tr '\n' ' ')"
fi
jq -r '.predicate.members[] | "\(.size) \(.name)"' ../packing-list >../sizes
jq -j '.predicate.members[] | .name + "\u0000"' ../packing-list >../files
wc -c --files0-from=../files | while read -r size name; do
    [ "$name" = total ] || printf '%s %s\n' "$size" "$name"
done >../found
if ! cmp -s ../sizes ../found; then
    fail "a member has another size than was signed: $(diff ../sizes ../found | head -n 2 | tr '\n' ' ')"
fi
jq -r '.predicate.members[] | "\(.sha256)  \(.name)"' ../packing-list >../sums
sha256sum --strict --quiet -c ../sums >../errors 2>/dev/null || fail "the content was changed: $(head -n 1 ../errors)"
if [ "$(jq '[.predicate.members[].size | select(. >= 8589934592)] | length' ../packing-list)" -eq 0 ]; then
    # The same names and contents give the same bytes: headers, padding, order and end (bundle.md 1.2).
    tar --format=ustar --numeric-owner --owner=0 --group=0 --mode=0644 --mtime=@0 -b1 --no-recursion -T ../names -cf - |
        cmp -s - "$bundle" || fail 'the archive is not the one that its members make: a header, the padding or the end was changed'
    whole='every byte'
else
    length=$(jq --argjson own "$(stat -c %s packing-list.dsse.json)" \
        '[$own, .predicate.members[].size] | map(512 + ((. + 511) / 512 | floor) * 512) | add + 1024' ../packing-list)
    [ "$(stat -c %s "$bundle")" = "$length" ] || fail "the archive has another length than the $length bytes that were signed"
    whole='names, order, sizes, contents and length; NOT proved: other fields of headers, and padding (a member has 8 GiB or more, which GNU tar does not write in this format)'
fi

# --- Patches: their heads (delta.md 3) say what the list says --------------------------------------------------------------
jq -r '.predicate.rebuild.rebuilt // [] | .[] | .digest[7:] as $digest | .size as $size | .patches[]
    | "\(.patch) \($digest) \($size) \(.memory) \(.space) \(.sources | length)"' ../packing-list >../ways
while read -r patch digest size memory space sources; do
    file=deltas/sha256/$patch
    head -c 72 "$file" | hexadecimal >../hex
    streams=$(jq -Rr "$definitions"' select(length == 144) | .[128:144] | little' ../hex)
    case $streams in
    '' | ????????* | *[!0-9]*) fail "$file is not a patch of version 1" ;;
    esac
    [ "$streams" -le 1048576 ] || fail "$file has more streams to inflate than it may"
    head -c $((72 + 49 * sources + 25 * streams)) "$file" | hexadecimal >../hex
    # What the packing list says of its sources, as the head has it; how these are compressed is said in the head alone.
    [ "$(jq -Rrc --arg patch "$patch" --arg digest "$digest" --arg size "$size" --arg memory "$memory" --arg space "$space" \
        --slurpfile list ../packing-list "$definitions"'
        ([$list[0].predicate.rebuild.rebuilt[].patches[] | select(.patch == $patch)] | first) as $way
        | ($way.sources | length) as $n
        | .[0:16] == "534c44454c544101" and .[16:80] == $digest and (.[80:96] | little) == ($size | tonumber)
        and (.[96:112] | little) == ($memory | tonumber) and (.[112:128] | little) == $n
        and (.[144:144 + 98 * $n] | [scan("[0-9a-f]{98}")]) as $sources
        | (.[144 + 98 * $n:] | [scan("[0-9a-f]{50}")]) as $streams
        | ($sources | length) == $n and ($streams | length) == (.[128:144] | little)
        and ([$sources[] | {digest: ("sha256:" + .[0:64]), size: (.[64:80] | little)}] == [$way.sources[] | {digest, size}])
        and all($sources[]; (.[80:82] | number) <= 4 and (.[82:98] | little) <= 1099511627776)
        # Each stream lies in what comes before its content.
        and ({ok: true, space: ([$sources[] | .[82:98] | little] | add // 0)}
            | reduce $streams[] as $s (.; ($s[34:50] | little) as $content
                | .ok = (.ok and ($s[0:16] | little) + ($s[16:32] | little) <= .space and ($s[32:34] | number) <= 4
                    and $content <= 1099511627776)
                | .space += $content)
            | .ok and .space == ($space | tonumber))' ../hex)" = true ] ||
        fail "$file is not the patch that the packing list describes"
done <../ways

# --- Content: the graph -----------------------------------------------------------------------------------------------
root=$(jq -r '.subject[0].digest.sha256' ../release)
[ -f "blobs/sha256/$root" ] || fail "blobs/sha256/$root, the version index, is missing"
printf '{"sha256:%s":"application/vnd.oci.image.index.v1+json"}\n' "$root" >../level
: >../documents
depth=0
while [ "$(jq length ../level)" -gt 0 ]; do
    jq -r 'keys[] | "blobs/sha256/" + .[7:]' ../level >../paths
    # The names are hexadecimal: they need no quotes.
    set --
    while read -r path; do
        [ "$(stat -c %s "$path")" -le 4194304 ] || fail "$path has more than 4 MiB"
        # A member that stands twice: its path, or that of an object, comes twice.
        twice=$(jq -c --stream 'if length == 2 then .[0] else .[0][:-1] end' "$path" 2>/dev/null | sort | uniq -d | head -n 1) || twice='?'
        [ -z "$twice" ] || fail "$path: a member stands twice: $twice"
        set -- "$@" "$path"
    done <../paths
    jq -c --slurpfile types ../level "$definitions"'
        ("sha256:" + (input_filename | ltrimstr("blobs/sha256/"))) as $digest | $types[0][$digest] as $type
        | if type != "object" then {$digest, refused: true} else
            {$digest, $type, index: ($type | is_index), children: (.manifests // ([.config] + (.layers // []))), refused: ((
            depth <= 32 and .schemaVersion == 2 and .fsLayers == null and (.mediaType | optional(. == $type))
            and (.artifactType | optional(text)) and (.annotations | optional(strings)) and (.subject | optional(descriptor))
            and if $type | is_index
                then (.manifests | type == "array" and all(.[]; descriptor)) and .config == null and .layers == null
                else (.config | descriptor) and (.layers | type == "array" and all(.[]; descriptor)) and .manifests == null end
            ) | not)} end' "$@" >../read 2>/dev/null || fail "$(head -n 1 ../paths) or another manifest is not JSON"
    refused=$(jq -rn '[inputs | select(.refused) | .digest[7:]] | first // empty' ../read)
    [ -z "$refused" ] || fail "blobs/sha256/$refused is not a manifest or an index of the kind that it is referred to as"
    [ "$(wc -l <../read)" -eq $# ] || fail "$(head -n 1 ../paths) or another manifest is not one JSON text"
    refused=$(jq -rn "$definitions"'
        [inputs | .digest as $d | select(any(.children[]; (.mediaType | is_document)) != all(.children[]; (.mediaType | is_document))
            or (.children != [] and .index != (.children[0].mediaType | is_document))) | .digest[7:]] | first // empty' ../read)
    [ -z "$refused" ] || fail "blobs/sha256/$refused refers to something that is not of a kind that may stand there"
    if [ $depth -ge 4 ]; then
        refused=$(jq -rn '[inputs | select(.index) | .digest[7:]] | first // empty' ../read)
        [ -z "$refused" ] || fail "blobs/sha256/$refused lies more than 4 levels of indexes deep"
    fi
    cat ../read >>../documents
    # What comes next: the manifests of indexes that are here.
    jq -cn --slurpfile list ../packing-list '
        ($list[0].predicate.members | map({key: ("sha256:" + .sha256), value: true}) | from_entries) as $here
        | [inputs | select(.index) | .children[] | select($here[.digest]) | {key: .digest, value: .mediaType}] | from_entries' \
        ../read >../next
    mv ../next ../level
    depth=$((depth + 1))
done
holds 'the content' 'the manifests have more than 64 MiB together' ../packing-list '
    ($documents | map({key: .digest, value: true}) | from_entries) as $is
    | [.predicate.members[] | select($is["sha256:" + .sha256]) | .size] | add <= 67108864' --slurpfile documents ../documents
wrong=$(jq -rn --slurpfile index "blobs/sha256/$root" --slurpfile list ../packing-list --slurpfile release ../release --slurpfile documents ../documents "$definitions"'
    ("sha256:" + $release[0].subject[0].digest.sha256) as $root
    | $list[0].predicate as $p
    | [$p.members[] | select(.name | startswith("blobs/")) | {digest: ("sha256:" + .sha256), size}] as $blobs
    | ($blobs | map({key: .digest, value: .size}) | from_entries) as $size
    | ($blobs | to_entries | map({key: .value.digest, value: .key}) | from_entries) as $place
    | ($documents | unique_by(.digest)) as $documents
    | [{digest: $root, size: $release[0].predicate.size, from: -1, document: "application/vnd.oci.image.index.v1+json", omittable: false}]
      + [$documents[] | . as $d | .children[]
        | {digest, size, from: $place[$d.digest], document: (.mediaType | if is_document then . else null end),
           omittable: ($d.index and $d.digest != $root)}]
    | group_by(.digest)
    | (map({key: .[0].digest, value: true}) | from_entries) as $referred
    | ($p.omitted | map({key: ., value: true}) | from_entries) as $omitted
    | ($p.rebuild // {} | [.present[]?, .rebuilt[]?]) as $away | ($away | map({key: .digest, value: .size}) | from_entries) as $elsewhere
    | ($documents | map(select(.digest == ($index[0].manifests[0].digest? // null)) | .children[].digest) | map({key: ., value: true}) | from_entries) as $own
    | [ ($blobs[], $away[] | select($referred[.digest] | not) | "\(.digest) belongs to nothing"),
        (.[] | .[0].digest as $d
          | if $elsewhere[$d] != null and (.[0].document != null or $own[$d]) then "\($d) is not carried"
            elif $elsewhere[$d] != null and $elsewhere[$d] != .[0].size then "\($d) has another size than where it is referred to"
            elif (map(.size) | unique | length) > 1 then "\($d) is referred to with two sizes"
            elif (map(.document) | unique | length) > 1 then "\($d) is referred to by two media types"
            elif ($place | has($d) | not) then
              if $elsewhere[$d] != null then empty elif $omitted[$d] and all(.[]; .omittable) then empty else "\($d) is missing" end
            elif $size[$d] != .[0].size then "\($d) has another size than where it is referred to"
            elif (map(.from) | min) >= $place[$d] then "\($d) comes before what refers to it"
            else empty end),
        ($p.omitted[] | select(($referred[.] | not) or ($place[.] != null)) | "\(.) cannot be omitted") ]
    | first // empty') || fail 'the content cannot be checked'
[ -z "$wrong" ] || fail "blobs/sha256/${wrong#sha256:}"

# --- Content: the template version ------------------------------------------------------------------------------------
holds "blobs/sha256/$root" 'not the index of a template version' "blobs/sha256/$root" '
    def names: [.manifests[1:][] | .annotations["dev.sealift.image.name"]];
    .artifactType == template and (.annotations // {}
        | (.["dev.sealift.template.name"] | template_name) and (.["dev.sealift.template.version"] | template_version)
        and (.["dev.sealift.template.revision"] | text and test("\\A[1-9][0-9]{0,9}\\z") and (tonumber | revision)))
    and (.manifests[0] | .mediaType == "application/vnd.oci.image.manifest.v1+json" and .artifactType == template)
    and (names | all(.[]; image_name) and . == unique)'
documents=$(jq -r '.manifests[0].digest[7:]' "blobs/sha256/$root")
holds "blobs/sha256/$documents" 'not the documents of a template version' "blobs/sha256/$documents" '
    def titles: [.layers[1:][] | .annotations["org.opencontainers.image.title"]];
    .artifactType == template
    and (.config | .mediaType == "application/vnd.oci.empty.v1+json" and .size == 2
        and .digest == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        and .platform == null and .artifactType == null and (.annotations // {}) == {})
    and (.layers | length >= 1) and (.layers[0] | .mediaType == "application/vnd.sealift.template.v1+yaml" and .size <= 4194304)
    and all(.layers[1:][]; .mediaType | IN("application/vnd.sealift.kubernetes.v1+yaml", "application/vnd.sealift.file.v1"))
    and (titles | all(.[]; relative_path) and . == unique)'
holds release.dsse.json 'it says something else than its content' ../release '
    ($index[0].annotations | {name: .["dev.sealift.template.name"], version: .["dev.sealift.template.version"],
        revision: (.["dev.sealift.template.revision"] | tonumber)}) as $is
    | (.predicate | {name, version, revision}) == $is and .subject[0].name == ($is | tagged)
    and (.predicate.images | map({name, digest}))
        == ($index[0].manifests[1:] | map({name: .annotations["dev.sealift.image.name"], digest}))' \
    --slurpfile index "blobs/sha256/$root"
printf '{"imageLayoutVersion":"1.0.0"}' | cmp -s - oci-layout || fail 'oci-layout is not the one of version 1.0.0'
# bundle.md 3.5: index.json follows from the version index.
jq -cj --slurpfile release ../release --argjson size "$(stat -c %s "blobs/sha256/$root")" "$definitions"'
    def some(key; value): if value == null then {} else {(key): value} end;
    def entry(name): {mediaType, digest, size} + some("artifactType"; .artifactType)
        + some("platform"; .platform | if . == null then . else {architecture, os} + some("os.version"; ."os.version") + some("variant"; .variant) end)
        + {annotations: {"org.opencontainers.image.ref.name": name}};
    "application/vnd.oci.image.index.v1+json" as $type
    | {schemaVersion: 2, mediaType: $type, manifests: (
        [{mediaType: $type, digest: ("sha256:" + $release[0].subject[0].digest.sha256), $size, artifactType: template}
            | entry("sealift/" + ($release[0].predicate | tagged))]
        + [.manifests[1:][] | entry(.annotations["dev.sealift.image.name"])])}' "blobs/sha256/$root" >../derived ||
    fail 'index.json cannot be derived'
cmp -s ../derived index.json || fail 'index.json is not what the release makes it'

# --- Proved -----------------------------------------------------------------------------------------------------------
jq -r '.predicate | "OK \(.name) \(.version) revision \(.revision), images: \(.images | length)"' ../release
printf 'OK release sha256:%s\n' "$release_id"
for id in $keyids; do printf 'OK release signed by %s\n' "$id"; done
printf 'OK packing list signed by %s\n' "$packer"
jq -r '.predicate | "OK members: \(.members | length + 1), left out by platform: \(.omitted | length)"' ../packing-list
jq -r '.predicate | select(.kind != "full") | "OK kind: \(.kind); left to the site: \(.rebuild.present | length) blobs that it must hold, \(.rebuild.rebuilt | length) that it makes; NOT proved: that it holds what they are made from, and that they come out right (the import proves both)"' ../packing-list
printf 'OK archive: %s\n' "$whole"
