#!/bin/bash
#
# run_tests.sh BUILD MARK FOLDER... -- pytest over the folders that exist, two at a time where the plug-in is
# there. The tests find the binaries in RECADO_BIN (release) and RECADO_DEBUG_BIN.

set -u
build=$(realpath "$1") mark=$2
shift 2
export RECADO_BIN=$build/release/recado RECADO_DEBUG_BIN=$build/debug/recado RECADO_BUILD=$build
export PYTHONDONTWRITEBYTECODE=1 TZ=Pacific/Kiritimati
python=${PYTHON:-/usr/bin/python3}
# Other people's judges (tests/tools), by their pinned sums; what needs them says so when they cannot be had.
export RECADO_NODE=$build/node
if ! cmp -s tests/tools/package-lock.json "$RECADO_NODE/package-lock.json" && command -v npm >/dev/null; then
	mkdir -p "$RECADO_NODE"
	cp tests/tools/package.json tests/tools/package-lock.json "$RECADO_NODE/"
	npm ci --prefix "$RECADO_NODE" --ignore-scripts --no-audit --no-fund --silent ||
		rm -f "$RECADO_NODE/package-lock.json"
fi
# promtool, out of the distribution's package without installing it: no daemon of it may start here.
export RECADO_PROMTOOL=$build/promtool/usr/bin/promtool
if [ ! -x "$RECADO_PROMTOOL" ] && command -v apt-get >/dev/null && mkdir -p "$build/promtool"; then
	(cd "$build/promtool" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . &&
		rm -rf prometheus_*.deb usr/bin/prometheus usr/share etc lib) >/dev/null 2>&1 ||
		echo "no promtool here: its test is skipped"
fi
have=()
for d in "$@"; do [ -e "${d%%::*}" ] && have+=("$d"); done
if [ ${#have[@]} -eq 0 ]; then
	echo "no end-to-end tests here"
	exit 0
fi
args=(-q -p no:cacheprovider)
[ -n "$mark" ] && args+=(-m "$mark")
"$python" -c 'import xdist' 2>/dev/null && args+=(-n "${PYTEST_JOBS:-2}" --dist loadfile)
"$python" -m pytest "${args[@]}" "${have[@]}"
rc=$?
[ $rc -eq 5 ] && rc=0   # none collected: said by pytest, not a failure
exit $rc
