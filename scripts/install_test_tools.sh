#!/usr/bin/env bash
# What some tests use and pip does not bring: chromium (opens the report), Prometheus, Alertmanager,
# Pushgateway and node_exporter (read rules, routes and metrics), Java (runs Spark), Grafana's types from npm (check
# the dashboards).
# Never fails: without them those tests skip and say why.
set -u
here="$(cd "$(dirname "$0")/.." && pwd)"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive

say() { echo "unseen: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
last() { tail -n 1 "$log"; }

apt_install() { apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$log" 2>&1; }

# debian PURPOSE PACKAGE...: installs, or says which tests will be skipped and why
debian() {
    local purpose="$1"; shift
    [ "$(id -u)" = 0 ] || { say "$* not installed (not root); $purpose will be skipped"; return; }
    have apt-get || { say "$* not installed (no apt-get); $purpose will be skipped"; return; }
    say "installing $* for $purpose"
    # RUNLEVEL=1 keeps Debian's packages from starting the servers they bring
    RUNLEVEL=1 apt_install "$@" || { apt-get update -qq </dev/null >"$log" 2>&1 && RUNLEVEL=1 apt_install "$@"; } ||
        say "$* not installed (apt-get failed: $(last)); $purpose will be skipped"
}

have chromium || have chromium-browser || have google-chrome || debian "the browser tests" chromium fonts-dejavu-core

missing=()
have promtool && have prometheus || missing+=(prometheus)
have amtool && have prometheus-alertmanager || missing+=(prometheus-alertmanager)
have prometheus-pushgateway || missing+=(prometheus-pushgateway)
have prometheus-node-exporter || missing+=(prometheus-node-exporter)
[ ${#missing[@]} = 0 ] || debian "the monitoring tests" "${missing[@]}"

have java || debian "the Spark tests" openjdk-17-jre-headless

grafana="$here/.venv/grafana"
if [ -d "$here/.venv" ] && ! cmp -s "$here/tests/ops/grafana/package.json" "$grafana/package.json"; then
    if have npm; then
        say "installing Grafana's types for the dashboard test"
        rm -rf "$grafana" && mkdir -p "$grafana" && cp "$here/tests/ops/grafana/package.json" "$grafana/" &&
            npm install --prefix "$grafana" --no-audit --no-fund --ignore-scripts </dev/null >"$log" 2>&1 ||
            { say "Grafana's types not installed (npm failed: $(last)); the dashboard test will be skipped"; rm -rf "$grafana"; }
    else
        say "Grafana's types not installed (no npm); the dashboard test will be skipped"
    fi
fi
exit 0
