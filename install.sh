#!/usr/bin/env bash
# install.sh -- gets, builds, tries, tests, installs and upgrades Recado on Debian and Ubuntu.
#
#   ./install.sh --try          build and run it offline with made-up customers on http://127.0.0.1:8080
#   ./install.sh --test         get what the tests need and run all of them
#   sudo ./install.sh           install for good: binary, user, state folder, service, started
#   sudo ./install.sh --upgrade [--to VERSION]   put this version in place of the installed one
#   sudo ./install.sh --rollback                 undo the last upgrade: program and database from before it
#   sudo ./install.sh --uninstall                remove program and service; the data stays
#
# Safe to run again: each step looks first and says what it does. Unattended: it asks nothing.
set -euo pipefail
umask 022
cd "$(dirname "$(readlink -f "$0")")"

STATE=${RECADO_STATE:-/var/lib/recado}
BIN=/usr/local/bin/recado
UNIT=/etc/systemd/system/recado.service
TRY_DIR=${RECADO_TRY_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/recado-try}
TRY_PORT=${RECADO_TRY_PORT:-8080}

BUILD_PACKAGES="gcc pkg-config libc6-dev linux-libc-dev libc-bin make cmake perl xz-utils bzip2 ca-certificates curl tzdata python3"
TEST_PACKAGES="clang clang-format libclang-rt-14-dev libcmocka-dev python3-pytest python3-pytest-xdist python3-selenium
	chromium chromium-driver sqlite3 strace python3-openpyxl python3-jsonschema zbar-tools file procps shellcheck systemd git binutils
	openssl"

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		fail "this step needs root: run it with sudo, or install these by hand first: $*"
	fi
}

# Install the packages of a list that are missing; silent when none is.
need_packages() {
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null 2>&1 || fail "this script knows Debian and Ubuntu; here, install: ${missing[*]}"
	say "Getting packages: ${missing[*]}"
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

is_release_archive() { [ -x ./recado ] && [ ! -e Makefile ]; }

# The binary to work with: the one of a release archive, or a fresh build of this tree.
build() {
	if is_release_archive; then
		RECADO=$PWD/recado
		return
	fi
	# shellcheck disable=SC2086
	need_packages $BUILD_PACKAGES
	say "Building (the first time fetches and builds the libraries: a few minutes)"
	make release
	RECADO=$PWD/build/release/recado
}

is_alive() { [ -n "${1:-}" ] && kill -0 "$1" 2>/dev/null; }

stop_try() {
	local pid
	pid=$(cat "$TRY_DIR/pid" 2>/dev/null || true)
	# Only a process that is ours: its command line names this folder.
	if is_alive "$pid" && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$TRY_DIR/recado.ini"; then
		kill "$pid"
		for _ in $(seq 50); do is_alive "$pid" || break; sleep 0.1; done
	fi
	rm -f "$TRY_DIR/pid"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

do_try() {
	local port password pid
	build
	stop_try
	# Only what an earlier try made is cleared away, whatever RECADO_TRY_DIR says.
	if [ -e "$TRY_DIR" ] && [ ! -f "$TRY_DIR/recado.ini" ] && [ -n "$(ls -A "$TRY_DIR")" ]; then
		fail "$TRY_DIR is there and is not of an earlier try; set RECADO_TRY_DIR to another folder"
	fi
	rm -rf "$TRY_DIR"
	mkdir -p "$(dirname "$TRY_DIR")"
	"$RECADO" init "$TRY_DIR" >/dev/null
	port=$TRY_PORT
	while ! port_is_free "$port"; do port=$((port + 1)); done
	[ "$port" = "$TRY_PORT" ] || say "Port $TRY_PORT is taken; using $port"
	password=$(tr -dc 'a-z2-9' </dev/urandom 2>/dev/null | head -c 16 || true)
	# Any hour is a good hour to try; the stand-in needs no pause between messages.
	set_key() { "$RECADO" config set "$1" "$2" --config "$TRY_DIR/recado.ini" >/dev/null; }
	set_key mode.offline yes
	set_key business.name "Cine en Casa"
	set_key web.listen "127.0.0.1:$port"
	set_key outbox.window_from 00:00
	set_key outbox.window_to 23:59
	set_key whatsapp.pause_s 0
	printf '%s\n' "$password" | "$RECADO" user add demo --role owner --password-stdin --config "$TRY_DIR/recado.ini" >/dev/null
	setsid "$RECADO" serve --config "$TRY_DIR/recado.ini" >"$TRY_DIR/serve.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid" >"$TRY_DIR/pid"
	for _ in $(seq 100); do
		curl -fsS -o /dev/null "http://127.0.0.1:$port/health/live" 2>/dev/null && break
		is_alive "$pid" || { cat "$TRY_DIR/serve.log" >&2; fail "the server did not start"; }
		sleep 0.1
	done
	curl -fsS -o /dev/null "http://127.0.0.1:$port/health/live" || fail "the server does not answer; see $TRY_DIR/serve.log"
	"$RECADO" demo --config "$TRY_DIR/recado.ini" >/dev/null
	say "The day's notices, sent to the built-in stand-in (nothing leaves this machine):"
	"$RECADO" renewals run --wait --config "$TRY_DIR/recado.ini" || [ $? = 3 ]
	cat <<MSG

Recado is running, offline, with made-up customers:

    http://127.0.0.1:$port
    user      demo
    password  $password

Stop it:    kill $pid
Its folder: $TRY_DIR  (remove it when you are done)
MSG
}

# A real mail server for the tests, which start one of their own from it: with "No configuration" the
# package sets none up. Where another mail server is installed, that one stays.
need_postfix() {
	[ -x /usr/sbin/postfix ] || [ -x /usr/sbin/sendmail ] && return 0
	need_packages debconf
	echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
	need_packages postfix
}

do_test() {
	# shellcheck disable=SC2086
	need_packages $BUILD_PACKAGES $TEST_PACKAGES
	need_postfix
	command -v npm >/dev/null 2>&1 || need_packages npm # any will do: it only fetches tests/tools
	make test
}

have_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

put_binary() {
	install -m 0755 "$RECADO" "$BIN.new"
	mv -f "$BIN.new" "$BIN" # a rename: whoever runs the old one keeps it until the restart
}

# The unit and the user; repeated calls change nothing, and say what was missing.
put_service() {
	if ! id recado >/dev/null 2>&1; then
		say "Making the user recado"
		useradd --system --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin recado
	fi
	if [ ! -e "$STATE/recado.ini" ]; then
		say "Making the state folder $STATE"
		"$BIN" init "$STATE"
		chown -R recado:recado "$STATE"
	fi
	chmod 700 "$STATE"
	if [ -d /etc/systemd/system ]; then
		sed "s|/var/lib/recado|$STATE|g" etc/recado.service >"$UNIT.new"
		if cmp -s "$UNIT.new" "$UNIT"; then
			rm "$UNIT.new"
		else
			say "Writing the service $UNIT"
			mv -f "$UNIT.new" "$UNIT"
		fi
	fi
}

start_service() {
	if ! have_systemd; then
		say "No systemd here. Start it with: su -s /bin/sh recado -c '$BIN serve --config $STATE/recado.ini'"
		return
	fi
	systemctl daemon-reload
	systemctl enable -q recado
	systemctl restart recado || {
		say "The service does not start: journalctl -u recado -n 30 says why"
		return 1
	}
	say "Running: systemctl status recado; log: journalctl -u recado -f"
	journalctl -u recado -n 20 --no-pager -o cat 2>/dev/null | grep -F '/setup?code=' | tail -n 1 || true
}

need_root() { [ "$(id -u)" = 0 ] || fail "run this with sudo"; }

is_held() { grep -qsE '^[[:space:]]*hold[[:space:]]*=[[:space:]]*yes' "$STATE/recado.hold"; }

do_install() {
	need_root
	if [ -x "$BIN" ]; then
		say "Installed: $("$BIN" --version). Here: $(version_here). The program stays; upgrade with: sudo ./install.sh --upgrade"
		put_service
		# An installation that was cut short, or a service that somebody stopped.
		if have_systemd && ! systemctl is-active -q recado; then start_service; fi
		return
	fi
	build
	put_binary
	put_service
	start_service
}

version_here() {
	if is_release_archive; then ./recado --version; else sed -n 's/^VERSION := */recado /p' Makefile; fi
}

do_upgrade() {
	need_root
	[ -x "$BIN" ] || fail "nothing is installed yet; run: sudo ./install.sh"
	! is_held || fail "upgrades are on hold; remove the line hold = yes from $STATE/recado.hold first"
	if [ -n "${TO:-}" ] && [ "recado $TO" != "$(version_here)" ]; then
		fail "this folder holds $(version_here), not $TO; get that version first"
	fi
	build
	say "Upgrading $("$BIN" --version) to $("$RECADO" --version)"
	as_recado backup --config "$STATE/recado.ini" || fail "no backup, no upgrade"
	# The same upgrade once more must not take its own program for the previous one.
	cmp -s "$BIN" "$RECADO" || cp "$BIN" "$BIN.previous"
	put_binary
	put_service
	start_service || fail "back to the old program: sudo ./install.sh --rollback"
	say "The previous program is $BIN.previous. The way back: sudo ./install.sh --rollback"
}

# Run the installed program as the service's user, who owns the state.
as_recado() { su -s /bin/sh recado -c "'$BIN' $(printf "'%s' " "$@")"; }

schema_of() { "$1" version --json | sed -n 's/.*"schema": *\([0-9]*\).*/\1/p' | head -n 1; }

do_rollback() {
	need_root
	[ -x "$BIN.previous" ] || fail "there is no $BIN.previous to go back to"
	local schema
	schema=$(schema_of "$BIN.previous")
	say "Going back from $("$BIN" --version) to $("$BIN.previous" --version)"
	if have_systemd; then systemctl stop recado; fi
	# What will not be there any more is said first. Nothing is put back where the newer program never changed
	# the database.
	as_recado rollback --to-schema "${schema:-0}" --config "$STATE/recado.ini" ||
		fail "the database could not be put back; the program was left as it is"
	mv -f "$BIN.previous" "$BIN"
	start_service
	say "The channels stay stopped until you release in the panel what fell due meanwhile."
}

do_uninstall() {
	need_root
	if [ ! -e "$BIN" ] && [ ! -e "$UNIT" ]; then
		say "Nothing is installed. What lies in $STATE is left alone."
		return
	fi
	if have_systemd; then
		systemctl disable -q --now recado 2>/dev/null || true
	else
		say "No systemd here: a server that runs goes on until you stop it."
	fi
	rm -f "$UNIT" "$BIN" "$BIN.previous"
	if have_systemd; then systemctl daemon-reload; fi
	say "Removed. The data stays in $STATE (and the user recado, who owns it)."
}

TO=
action=install
while [ $# -gt 0 ]; do
	case $1 in
	--try) action=try ;;
	--test) action="test" ;;
	--upgrade) action=upgrade ;;
	--rollback) action=rollback ;;
	--uninstall) action=uninstall ;;
	--to) [ $# -gt 1 ] || fail "--to needs a version"; TO=$2; shift ;;
	-h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) fail "unknown option $1; see ./install.sh --help" ;;
	esac
	shift
done
"do_$action"
