#!/bin/sh
# How many requests a second `obsctl serve service` answers on one core, with metrics and the access log, as wrk sees it
# from another core. Usage: tests/bench/service_ping.sh [path of obsctl] [seconds] [further flags of the service]
#   tests/bench/service_ping.sh build/obsctl 5
#   tests/bench/service_ping.sh build/obsctl 5 --access-log-sample 0.01   (as the http-api stack runs it)
# Needs wrk, taskset and two cores. Exit code 1 below 50000/s, the figure that the service promises.
set -eu

obsctl=${1:-build/obsctl}
seconds=${2:-5}
[ $# -gt 2 ] && shift 2 || set --
wanted=50000

for program in wrk taskset curl; do
  command -v "$program" >/dev/null || { echo "service_ping: $program is missing (apt install wrk util-linux curl)" >&2; exit 2; }
done
[ "$(nproc)" -ge 2 ] || { echo "service_ping: two cores are needed, one for each side" >&2; exit 2; }

folder=$(mktemp -d)
service=
finish() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  [ -z "$service" ] || wait "$service" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

taskset -c 0 "$obsctl" serve service --listen 127.0.0.1:0 "$@" >"$folder/log" &
service=$!
url=
for _ in $(seq 50); do
  url=$(sed -n 's/.*"message":"listening","url":"\([^"]*\)".*/\1/p' "$folder/log")
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { echo "service_ping: the service did not start" >&2; cat "$folder/log" >&2; exit 2; }

# utime and stime of the service, in ticks.
ticks() { sed 's/.*) //' "/proc/$service/stat" | awk '{print $12 + $13}'; }
before=$(ticks)
taskset -c 1 wrk -t1 -c32 -d"$seconds"s "$url/api/v1/ping" >"$folder/wrk"
used=$(($(ticks) - before))
rate=$(awk '/^Requests\/sec/ {printf "%d", $2}' "$folder/wrk")
requests=$(awk '/requests in/ {print $1}' "$folder/wrk")
bad=$(awk '/Non-2xx|Socket errors/' "$folder/wrk")
lost=$(curl -s "$url/metrics" | awk '/^access_log_lines_dropped_total/ {print $2}')
kill "$service"
wait "$service" || true
service=

echo "requests/s        $rate"
echo "CPU per request   $(awk -v t="$used" -v hz="$(getconf CLK_TCK)" -v n="$requests" 'BEGIN {printf "%.2f us", t / hz / n * 1e6}')"
echo "log lines         $(grep -c '"route":"/api/v1/ping"' "$folder/log") written, $lost dropped, $requests requests"
[ -z "$bad" ] || { echo "service_ping: $bad" >&2; exit 1; }
[ "$rate" -ge "$wanted" ] || { echo "service_ping: below $wanted/s" >&2; exit 1; }
