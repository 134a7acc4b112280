#!/bin/bash
#
# run_unit.sh BUILD/unit PROGRAM... -- runs test programs, two at a time, shows the output of those that fail
# and closes with one line of counts. Fails if any failed.

set -u
dir=$1
shift
if [ $# -eq 0 ]; then
	echo "no unit tests here"
	exit 0
fi
export CMOCKA_MESSAGE_OUTPUT=stdout
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TZ=Pacific/Kiritimati LC_ALL=C   # nothing may depend on the machine's zone or locale

one()
{
	local name=${1#"$dir"/} log=$1.log corpus count

	corpus=tests/fuzz/corpus/${name#fuzz/}
	if [ "${name%%/*}" = fuzz ]; then set -- "$1" "$corpus"; fi
	if timeout 120 "$@" >"$log" 2>&1; then
		count=$(sed -n 's/^\[  PASSED  \] \([0-9]* test(s)\).*/\1/p' "$log" | tail -n 1)
		printf 'ok      %s  %s\n' "$name" "$count"
		return 0
	fi
	{ printf 'FAILED  %s\n' "$name"; sed 's/^/    /' "$log" | tail -n 80; }
	return 1
}
export -f one
export dir
out=$(printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'one "$1"' sh {})
printf '%s\n' "$out"
failed=$(printf '%s\n' "$out" | grep -c '^FAILED ')
passed=$(printf '%s\n' "$out" | grep -c '^ok ')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
