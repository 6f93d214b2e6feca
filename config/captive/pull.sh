#!/bin/sh
# Keeps the page of the disaster Wi-Fi on a facility's own box (an OpenWrt access point, a small computer with nginx),
# so that it is there when the line out is dead. From cron, every minute:
#
#   * * * * * /usr/bin/yobikake-portal https://bosai.example.lg.jp /www/portal
#
# It asks with If-None-Match, takes a page only when it came whole, and keeps the last good copy. Once nothing could be
# asked for OLD_MINUTES (30), or since the box was switched on, the copy that says so is served instead: a box has no
# clock that outlasts a power cut, so minutes are counted from its start. Needs curl 7.68 or later, flock and Linux.
set -u

from=${1:?the address of the residents\' pages, https://…}
to=${2:?the folder that the web server serves as /portal/}
old_minutes=${OLD_MINUTES:-30}
most_bytes=20480
kept=$to/.kept
languages="ja ja-x-easy en zh-Hans zh-Hant ko vi ne"

mkdir -p "$kept/old" || exit 1
# one at a time
exec 9>"$kept/lock"
flock -n 9 || exit 0

# pull NAME: 0 when the copy that is kept is what the city says now
pull() {
    copy=$kept/$1.html
    [ -s "$copy" ] || rm -f "$copy.etag" # without the page its tag is worth nothing
    rm -f "$copy.new" "$copy.etag.new"
    curl --fail --silent --max-time 20 --proto '=https,http' --etag-compare "$copy.etag" --etag-save "$copy.etag.new" \
        --output "$copy.new" "$from/portal/$1.html" || return 1
    [ -s "$copy.new" ] || { [ -s "$copy" ]; return; } # 304: nothing new
    [ "$(wc -c <"$copy.new")" -le "$most_bytes" ] || return 1
    tail -c 16 "$copy.new" | grep -q '</html>' || return 1
    mv "$copy.new" "$copy" && mv "$copy.etag.new" "$copy.etag"
}

# serve KIND NAME: in one step, so that nobody reads half a page
serve() {
    [ -s "$kept/$1$2.html" ] || return 0
    cmp -s "$kept/$1$2.html" "$to/$2.html" && return 0
    cp "$kept/$1$2.html" "$to/.$2.new" && mv "$to/.$2.new" "$to/$2.html"
}

all=yes
for language in $languages; do
    for name in "$language" "old/$language"; do
        [ -f "$kept/$name.html.etag" ] || : >"$kept/$name.html.etag"
        pull "$name" || { all=no; break 2; }
    done
done
boot=$(cat /proc/sys/kernel/random/boot_id)
read -r now _ </proc/uptime
now=${now%.*}
[ "$all" = yes ] && echo "$boot $now" >"$kept/asked.new" && mv "$kept/asked.new" "$kept/asked"
read -r asked_boot asked 2>/dev/null <"$kept/asked"
kind=old/
[ "${asked_boot:-}" = "$boot" ] && [ $((now - asked)) -le $((old_minutes * 60)) ] && kind=""
for language in $languages; do
    serve "$kind" "$language"
done
[ -s "$to/ja.html" ] && { cmp -s "$to/ja.html" "$to/index.html" || { cp "$to/ja.html" "$to/.index.new" && mv "$to/.index.new" "$to/index.html"; }; }
[ "$all" = yes ]
