#!/bin/sh
# Runs every fuzz target of the module for a few seconds. FUZZTIME sets how long
# each takes, as go test's -fuzztime does.
set -eu
cd "$(dirname "$0")/.."
go test -list '^Fuzz' ./... | awk '
	/^Fuzz/ { targets[n++] = $1; next }
	/^ok/   { for (i = 0; i < n; i++) print $2, targets[i]; n = 0; next }
	        { n = 0 }
' | while read -r package target; do
	echo "fuzz $package $target"
	go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-3s}"
done
