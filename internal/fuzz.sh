#!/bin/sh
# Runs every fuzz target of the module for a few seconds, two at a time with one
# worker each. FUZZTIME sets how long each takes, as go test's -fuzztime does.
set -eu
cd "$(dirname "$0")/.."
if [ $# -eq 2 ]; then # one target
	out=$(mktemp)
	trap 'rm -f "$out"' EXIT
	for try in 1 2 3 4; do
		# What is merely interesting is not made smaller: a worker that dies at
		# that, at the end of its time, would count as a crash.
		if go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZTIME:-2s}" -fuzzminimizetime 0x -parallel 1 >"$out" 2>&1; then
			echo "fuzz $1 $2"
			exit 0
		fi
		# An input that fails is always written down, and one of the seeds is
		# named. Anything else is the machine's: the end of the time taken for a
		# failure, a worker that was slow to start or
		# was killed. That may be tried again, and does not happen each time.
		grep -q 'Failing input\|panic:\|seed corpus entry\|build failed' "$out" && break
	done
	echo "fuzz $1 $2 FAILED"
	cat "$out"
	exit 255 # ends xargs
fi
targets=$(mktemp)
trap 'rm -f "$targets"' EXIT
go test -list '^Fuzz' ./... | awk '
	/^Fuzz/ { targets[n++] = $1; next }
	/^ok/   { for (i = 0; i < n; i++) print $2, targets[i]; n = 0; next }
	        { n = 0 }
' >"$targets"
[ -s "$targets" ]
xargs -P 2 -n 2 "$0" <"$targets"
