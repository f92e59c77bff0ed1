#!/usr/bin/env bash
# Debian packages that some tests use: chromium, which opens the report. Never fails: without it those tests
# skip and say why.
set -u
for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null 2>&1; then exit 0; fi
done

skip() { echo "unseen: chromium is not installed ($1); the browser tests will be skipped" >&2; exit 0; }

[ "$(id -u)" = 0 ] || skip "not root"
command -v apt-get >/dev/null 2>&1 || skip "no apt-get"

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core </dev/null >"$log" 2>&1; }

echo "unseen: installing chromium for the browser tests" >&2
install || { apt-get update -qq </dev/null >"$log" 2>&1 && install; } || skip "apt-get failed: $(tail -n 1 "$log")"
