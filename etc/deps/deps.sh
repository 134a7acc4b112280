#!/bin/bash
#
# deps.sh -- fetches, checks and builds the pinned third-party libraries, once, into a cache outside the tree.
#
#   deps.sh where          print the folder that holds the built prefixes for this table, script and compiler
#   deps.sh dev            system compiler and libc: debug, sanitizer and unit-test builds link against it
#   deps.sh musl           musl from source and everything on top of it: the static release binary
#   deps.sh fetch          only get and check the source archives (both prefixes build without network then)
#
# Owns:   ${RECADO_CACHE:-${XDG_CACHE_HOME:-~/.cache}/recado}; writes nowhere else.
# Needs:  gcc, make, cmake >= 3.12, perl, xz, bzip2, sha256sum, zic; curl or wget and/or apt for the sources.
# Holds:  (1) no byte is unpacked whose sum is not in table.tsv; (2) a prefix is complete if its stamp exists;
#         (3) two runs at once wait for each other; (4) the result depends on the table, the patches, this
#         script and the compiler only, and their hash names the folder.

set -euo pipefail
umask 022
export LC_ALL=C
# Called from our Makefile, which switches make's own rules off; the libraries' makefiles need them.
unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS

HERE=$(cd "$(dirname "$0")" && pwd)
TABLE=$HERE/table.tsv
CACHE=${RECADO_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/recado}
SRC=$CACHE/src
JOBS=${JOBS:-$(nproc)}

key()
{
	{ cat "$TABLE" "$HERE/deps.sh" "$HERE/mbedtls_getrandom.c"; echo "${RECADO_PINS:-}"
		gcc -dumpfullversion -dumpmachine; } | sha256sum | cut -c1-16
}

ROOT=$CACHE/$(key)

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# --- where the bytes come from -------------------------------------------------------------------------

# One table cell. $1 library, $2 pin (first|baseline), $3 column 3..8; empty when there is no such row.
cell() { awk -F'\t' -v n="$1" -v p="$2" -v c="$3" '$1 == n && $2 == p { print $c }' "$TABLE"; }

sum_is() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# A wrong sum stops the build: somebody changed bytes that we pinned, and a person has to look at it.
must_match()
{
	sum_is "$1" "$2" && return 0
	say "wrong checksum: $1 (from $3)"
	say "  expected $2"
	say "  got      $(sha256sum <"$1" | cut -d' ' -f1)"
	rm -f "$1"
	exit 3
}

UPSTREAM_DOWN=

# Upstream by curl or wget. Unreachable once means unreachable for the rest of this run: a machine without
# a way out must not wait a dozen times.
get_upstream()
{
	local url=$1 to=$2 rc=0

	[ "$url" != - ] && [ -z "$UPSTREAM_DOWN" ] && [ -z "${RECADO_NO_UPSTREAM:-}" ] || return 1
	if command -v curl >/dev/null; then
		curl -fsSL --proto '=https' --connect-timeout 4 --speed-limit 1000 --speed-time 15 \
			-o "$to.part" "$url" 2>/dev/null || rc=$?
		case $rc in 5|6|7|28|35|60) UPSTREAM_DOWN=1 ;; esac
	elif command -v wget >/dev/null; then
		wget -q --https-only --connect-timeout=4 --dns-timeout=4 --read-timeout=15 --tries=1 \
			-O "$to.part" "$url" || rc=$?
		case $rc in 4|5) UPSTREAM_DOWN=1 ;; esac
	else
		UPSTREAM_DOWN=1
		rc=1
	fi
	if [ $rc -ne 0 ]; then
		rm -f "$to.part"
		[ -n "$UPSTREAM_DOWN" ] && say "upstream cannot be reached: using the distribution's archive"
		return 1
	fi
	mv "$to.part" "$to"
}

# The distribution's address, read from this machine's own apt files (one-line and deb822 forms): the entry
# that carries the system's own release, so that a mirror is honoured and no host name stands in this tree.
apt_uri()
{
	local codename files=() f

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || return 1
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do [ -f "$f" ] && files+=("$f"); done
	if [ ${#files[@]} -gt 0 ]; then
		awk -v c="$codename" '$1 == "deb" || $1 == "deb-src" {
			line = $0; sub(/\[[^]]*\]/, "", line); n = split(line, w, " ")
			if (n >= 4 && w[3] == c) print w[2]
		}' "${files[@]}"
	fi
	files=()
	for f in /etc/apt/sources.list.d/*.sources; do [ -f "$f" ] && files+=("$f"); done
	if [ ${#files[@]} -gt 0 ]; then
		awk -v c="$codename" 'function flush(  i, n, s) {
				n = split(suites, s, " ")
				for (i = 1; i <= n; i++) if (s[i] == c && uri != "") { print uri; break }
				suites = uri = ""
			}
			FNR == 1 || /^[ \t]*$/ { flush() }
			tolower($1) == "suites:" { sub(/^[^:]*:/, ""); suites = $0 }
			tolower($1) == "uris:"   { uri = $2 }
			END { flush() }' "${files[@]}"
	fi
}

# The distribution's signed source archive through a private apt configuration. Only the archive itself is
# wanted: plain `apt-get source` also asks for the packaging files and fails where those have moved on.
get_distribution()
{
	local from=$1 file=$2 suite pkg dir uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	[ -z "${RECADO_NO_DISTRIBUTION:-}" ] || return 1
	suite=${from%%:*} pkg=${from#*:}
	dir=$CACHE/apt/$suite
	command -v apt-get >/dev/null && [ -f "$keyring" ] || return 1
	if [ ! -f "$dir/updated.$$" ]; then
		uri=$(apt_uri | head -n 1)
		[ -n "$uri" ] || return 1
		mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
		printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$suite" >"$dir/sources.list"
		cat >"$dir/apt.conf" <<-EOF
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "-";
			Dir::State::Lists "$dir/lists";
			Dir::Cache "$dir/cache";
			Dir::State::status "/dev/null";
			APT::Sandbox::User "root";
			Acquire::Retries "2";
			Acquire::http::Timeout "20";
		EOF
		APT_CONFIG=$dir/apt.conf apt-get -qq update >"$dir/update.log" 2>&1 || return 1
		rm -f "$dir"/updated.*
		touch "$dir/updated.$$"
	fi
	(cd "$SRC" && APT_CONFIG=$dir/apt.conf apt-get -qq source --download-only --tar-only --only-source \
		"$pkg") >"$dir/source.log" 2>&1 || return 1
	[ -f "$SRC/$file" ]
}

# Get one pin; GOT is the archive's path. Fails when it cannot be had (a wrong sum does not return: it exits).
get_pin()
{
	local name=$1 pin=$2 file sum up upsum from path

	file=$(cell "$name" "$pin" 4) sum=$(cell "$name" "$pin" 5) up=$(cell "$name" "$pin" 6)
	upsum=$(cell "$name" "$pin" 7) from=$(cell "$name" "$pin" 8)
	[ -n "$file" ] || return 1
	[ "$upsum" = "=" ] && upsum=$sum
	path=$SRC/$name-upstream-${up##*/}
	if sum_is "$SRC/$file" "$sum"; then GOT=$SRC/$file; return 0; fi
	if [ "$up" != - ] && sum_is "$path" "$upsum"; then GOT=$path; return 0; fi
	rm -f "$SRC/$file" "$path"
	if get_upstream "$up" "$path"; then must_match "$path" "$upsum" "$up"; GOT=$path; return 0; fi
	if get_distribution "$from" "$file"; then
		must_match "$SRC/$file" "$sum" "distribution, $from"
		GOT=$SRC/$file
		return 0
	fi
	return 1
}

# Every library of the table, first pin or else baseline. Fills PATH_OF and VERSION_OF.
declare -A PATH_OF VERSION_OF
fetch_all()
{
	local name first=first

	mkdir -p "$SRC"
	[ "${RECADO_PINS:-}" = baseline ] && first=none
	for name in $(awk -F'\t' '!/^#/ && NF { print $1 }' "$TABLE" | uniq); do
		# RECADO_PINS=baseline tries the second pins on purpose, where there are any.
		if [ -n "$(cell "$name" baseline 3)" ] && [ $first = none ]; then
			get_pin "$name" baseline || die "$name: the baseline cannot be had"
			VERSION_OF[$name]=$(cell "$name" baseline 3)
		elif get_pin "$name" first; then
			VERSION_OF[$name]=$(cell "$name" first 3)
		elif get_pin "$name" baseline; then
			VERSION_OF[$name]=$(cell "$name" baseline 3)
			say "$name: the first pin cannot be had, baseline ${VERSION_OF[$name]} instead"
		else
			die "$name: no source could be had (no upstream, no distribution archive)"
		fi
		PATH_OF[$name]=$GOT
	done
}

# Unpack library $1 into $WORK/$1 without its top folder, if it has one.
unpack()
{
	local dir=$WORK/$1 tmp=$WORK/$1.unpack top

	rm -rf "$dir" "$tmp"
	mkdir -p "$tmp"
	case ${PATH_OF[$1]} in
	*.zip) (cd "$tmp" && cmake -E tar xf "${PATH_OF[$1]}") ;;
	*)     tar -C "$tmp" -xf "${PATH_OF[$1]}" ;;
	esac
	top=$(ls "$tmp")
	if [ -d "$tmp/$top" ]; then mv "$tmp/$top" "$dir"; rmdir "$tmp"; else mv "$tmp" "$dir"; fi
}

# --- recipes -------------------------------------------------------------------------------------------
# Each runs with CC, CFLAGS, PREFIX, WORK set and leaves headers in $PREFIX/include, archives in $PREFIX/lib.

# compile_archive OUT.a FOLDER FLAGS FILE... -- plain compilation, all files at once per core.
compile_archive()
{
	local out=$1 dir=$2 flags=$3

	shift 3
	# shellcheck disable=SC2086 # flags are words
	(cd "$dir" && mkdir -p obj.recado &&
		printf '%s\n' "$@" | xargs -P "$JOBS" -I{} sh -c \
			'f=$1; shift; o=obj.recado/$(echo "$f" | tr / _).o; exec "$@" -c "$f" -o "$o"' \
			sh {} $CC $CFLAGS $flags &&
		rm -f "$PREFIX/lib/$out" && ar rcsD "$PREFIX/lib/$out" obj.recado/*.o)
}

build_musl()
{
	local dir=$WORK/musl multi

	unpack musl
	(cd "$dir" && CFLAGS="-g -O2 -fno-omit-frame-pointer -ffile-prefix-map=$WORK=/deps" \
		./configure --prefix="$PREFIX" --syslibdir="$PREFIX/lib" --disable-shared --disable-wrapper \
		--enable-debug &&
		make -j"$JOBS" && make install)
	# Kernel headers are the machine's: musl has none of its own and SQLite, curl and we want a few.
	multi=$(gcc -print-multiarch)
	ln -sfn /usr/include/linux "$PREFIX/include/linux"
	ln -sfn /usr/include/asm-generic "$PREFIX/include/asm-generic"
	if [ -d "/usr/include/$multi/asm" ]; then
		ln -sfn "/usr/include/$multi/asm" "$PREFIX/include/asm"
	else
		ln -sfn /usr/include/asm "$PREFIX/include/asm"
	fi
	# gcc's specs for this libc: as musl's own wrapper has them, but they know static-pie: there
	# rcrt1.o relocates the program.
	mkdir -p "$PREFIX/bin"
	local start="%{static-pie:$PREFIX/lib/rcrt1.o;static:$PREFIX/lib/crt1.o;!shared:$PREFIX/lib/Scrt1.o}"
	local link="%{static-pie:-static -pie --no-dynamic-linker -z text;:-dynamic-linker /lib/ld-musl.so.1}"
	cat >"$PREFIX/lib/recado-gcc.specs" <<-EOF
		%rename cpp_options old_cpp_options

		*cpp_options:
		-nostdinc -isystem $PREFIX/include -isystem include%s %(old_cpp_options)

		*cc1:
		%(cc1_cpu) -nostdinc -isystem $PREFIX/include -isystem include%s

		*link_libgcc:
		-L$PREFIX/lib -L .%s

		*libgcc:
		libgcc.a%s %:if-exists(libgcc_eh.a%s)

		*startfile:
		$start $PREFIX/lib/crti.o crtbeginS.o%s

		*endfile:
		crtendS.o%s $PREFIX/lib/crtn.o

		*link:
		$link -nostdlib %{shared:-shared} %{static:-static} %{rdynamic:-export-dynamic}

		*esp_link:


		*esp_options:


		*esp_cpp_options:


	EOF
	cat >"$PREFIX/bin/recado-cc" <<-EOF
		#!/bin/sh
		exec gcc "\$@" -specs "$PREFIX/lib/recado-gcc.specs"
	EOF
	chmod +x "$PREFIX/bin/recado-cc"
}

# The amalgamation is the same for both prefixes; upstream's zip has it ready made, the source tree makes it.
SQLITE_C_SUM=b1dd5d74ec7f29055a6684fa06fb3c2f6821c87dd38f9a458dfd2e8a1db28189   # of 3.53.4
sqlite_amalgamation()
{
	local out=$ROOT/sqlite dir=$WORK/sqlite

	[ -f "$out/sqlite3.c" ] && return 0
	unpack sqlite
	if [ ! -f "$dir/sqlite3.c" ]; then
		if [ ! -d "$dir/autosetup" ] && ! command -v tclsh >/dev/null; then
			die "SQLite ${VERSION_OF[sqlite]} needs tclsh to make its one file: install tcl"
		fi
		(cd "$dir" && ./configure --disable-tcl && make sqlite3.c)
	fi
	if [ "${VERSION_OF[sqlite]}" = 3.53.4 ]; then
		must_match "$dir/sqlite3.c" "$SQLITE_C_SUM" "made from the source tree"
	fi
	mkdir -p "$out"
	cp "$dir/sqlite3.h" "$dir/sqlite3.c" "$out/"
}

# Each define has its reason in README.md. No SESSION: open fault in 3.53.4.
SQLITE_FLAGS="-DSQLITE_DQS=0 -DSQLITE_THREADSAFE=2 -DSQLITE_DEFAULT_MEMSTATUS=0
 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE
 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_USE_ALLOCA
 -DSQLITE_STRICT_SUBTYPE=1 -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_STAT4 -DSQLITE_ENABLE_MATH_FUNCTIONS
 -DSQLITE_DEFAULT_FOREIGN_KEYS=1 -DSQLITE_TEMP_STORE=1 -DSQLITE_OMIT_LOCALTIME -DHAVE_FDATASYNC=1"

build_sqlite()
{
	sqlite_amalgamation
	mkdir -p "$WORK/sqlite-obj"
	# shellcheck disable=SC2086
	(cd "$WORK/sqlite-obj" && $CC $CFLAGS $SQLITE_FLAGS -ffile-prefix-map="$ROOT/sqlite"=/deps/sqlite \
		-c "$ROOT/sqlite/sqlite3.c" -o sqlite3.o &&
		rm -f "$PREFIX/lib/libsqlite3.a" && ar rcsD "$PREFIX/lib/libsqlite3.a" sqlite3.o)
	cp "$ROOT/sqlite/sqlite3.h" "$PREFIX/include/"
}

build_zlib()
{
	local f files=()

	unpack zlib
	for f in "$WORK"/zlib/*.c; do files+=("$(basename "$f")"); done
	compile_archive libz.a "$WORK/zlib" \
		"-D_LARGEFILE64_SOURCE=1 -DHAVE_HIDDEN -DHAVE_UNISTD_H -DHAVE_STDARG_H" "${files[@]}"
	cp "$WORK/zlib/zlib.h" "$WORK/zlib/zconf.h" "$PREFIX/include/"
}

build_yyjson()
{
	unpack yyjson
	compile_archive libyyjson.a "$WORK/yyjson" "" src/yyjson.c
	cp "$WORK/yyjson/src/yyjson.h" "$PREFIX/include/"
}

# INI_HANDLER_LINENO changes the handler's prototype: the same defines stand in the Makefile for every user.
build_inih()
{
	unpack inih
	compile_archive libinih.a "$WORK/inih" \
		"-DINI_HANDLER_LINENO=1 -DINI_CALL_HANDLER_ON_NEW_SECTION=1 -DINI_USE_STACK=1
		-DINI_MAX_LINE=4096 -DINI_STOP_ON_FIRST_ERROR=1 -DINI_ALLOW_MULTILINE=0
		-DINI_ALLOW_INLINE_COMMENTS=0" ini.c
	cp "$WORK/inih/ini.h" "$PREFIX/include/"
}

build_argon2()
{
	local opt=src/ref.c

	unpack argon2
	case $(gcc -dumpmachine) in x86_64-*) opt=src/opt.c ;; esac
	# Lanes run one after another: one hash at a time is our own rule, threads would only cost memory.
	compile_archive libargon2.a "$WORK/argon2" "-Iinclude -Isrc -DARGON2_NO_THREADS" \
		src/argon2.c src/core.c src/encoding.c src/blake2/blake2b.c $opt
	cp "$WORK/argon2/include/argon2.h" "$PREFIX/include/"
}

# The reader of uploaded spreadsheets: no general entities and no DTD, so nothing in a file can grow by
# itself. Its configuration header would come from autoconf; ours is empty and says everything by -D.
build_expat()
{
	local dir=$WORK/expat/expat/lib

	unpack expat
	: >"$dir/expat_config.h"
	compile_archive libexpat.a "$dir" \
		"-I. -DXML_GE=0 -DXML_CONTEXT_BYTES=0 -DHAVE_GETRANDOM=1 -DNDEBUG" \
		xmlparse.c xmlrole.c xmltok.c random_getrandom.c
	cp "$dir/expat.h" "$dir/expat_external.h" "$PREFIX/include/"
}

# Its own tmpfileplus, not the standard tmpfile(), which ignores the folder given and needs /tmp; dtoa, so
# that numbers are written without locale. Of its minizip only the writing half: files/zip_in.c says why.
build_libxlsxwriter()
{
	local dir=$WORK/libxlsxwriter f files=()

	unpack libxlsxwriter
	for f in "$dir"/src/*.c; do files+=("src/$(basename "$f")"); done
	for f in minizip/ioapi minizip/zip md5/md5 dtoa/emyg_dtoa tmpfileplus/tmpfileplus; do
		files+=("third_party/$f.c")
	done
	compile_archive libxlsxwriter.a "$dir" \
		"-Iinclude -I$PREFIX/include -DUSE_DTOA_LIBRARY -DNOCRYPT -DNOUNCRYPT" "${files[@]}"
	cp -r "$dir/include/xlsxwriter.h" "$dir/include/xlsxwriter" "$PREFIX/include/"
}

build_qrcodegen()
{
	unpack qrcodegen
	compile_archive libqrcodegen.a "$WORK/qrcodegen/c" "-DNDEBUG" qrcodegen.c
	cp "$WORK/qrcodegen/c/qrcodegen.h" "$PREFIX/include/"
}

# Edited in the configuration header, not by -D: the options change struct sizes that users of it see.
build_mbedtls()
{
	local dir=$WORK/mbedtls cfg=$WORK/mbedtls/include/mbedtls/mbedtls_config.h o

	unpack mbedtls
	for o in THREADING_C THREADING_PTHREAD NO_PLATFORM_ENTROPY ENTROPY_HARDWARE_ALT; do
		sed -i "s|^//#define MBEDTLS_$o\$|#define MBEDTLS_$o|" "$cfg"
		grep -q "^#define MBEDTLS_$o\$" "$cfg" || die "mbedTLS: no option $o in its configuration"
	done
	for o in PSA_CRYPTO_STORAGE_C PSA_ITS_FILE_C; do sed -i "s|^#define MBEDTLS_$o\$|//&|" "$cfg"; done
	make -C "$dir/library" -j"$JOBS" GEN_FILES= CC="$CC" CFLAGS="$CFLAGS" static
	# shellcheck disable=SC2086
	$CC $CFLAGS -I"$dir/include" -c "$HERE/mbedtls_getrandom.c" -o "$dir/library/getrandom.o"
	ar rD "$dir/library/libmbedcrypto.a" "$dir/library/getrandom.o"
	cp "$dir"/library/libmbed{tls,x509,crypto}.a "$PREFIX/lib/"
	cp -r "$dir/include/mbedtls" "$dir/include/psa" "$PREFIX/include/"
}

build_libmicrohttpd()
{
	unpack libmicrohttpd
	(cd "$WORK/libmicrohttpd" && CC="$CC" CFLAGS="$CFLAGS" ./configure --prefix="$PREFIX" \
		--libdir="$PREFIX/lib" --host="$(gcc -dumpmachine)" --disable-shared --enable-static \
		--with-pic --disable-https --disable-doc --disable-examples --disable-tools --disable-curl \
		--disable-dauth --disable-bauth --disable-nls --with-threads=posix &&
		make -C src/microhttpd -j"$JOBS" install && cp src/include/microhttpd.h "$PREFIX/include/")
}

# Only HTTP(S) and SMTP(S). The CA comes from us per connection, so none is built in.
build_curl()
{
	local off=() p

	unpack curl
	for p in DICT FILE FTP GOPHER IMAP LDAP LDAPS MQTT POP3 IPFS RTSP SMB TELNET TFTP WEBSOCKETS NTLM \
		NETRC NEGOTIATE_AUTH KERBEROS_AUTH AWS ALTSVC HSTS DOH LIBCURL_OPTION; do
		off+=("-DCURL_DISABLE_$p=ON")
	done
	(cd "$WORK/curl" && cmake -S . -B obj.recado -G "Unix Makefiles" \
		-DCMAKE_C_COMPILER="${CC%% *}" -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_BUILD_TYPE=None \
		-DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_FIND_ROOT_PATH="$PREFIX" \
		-DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
		-DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY -DCMAKE_PREFIX_PATH=/ -DCURL_USE_PKGCONFIG=OFF \
		-DBUILD_SHARED_LIBS=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF \
		-DBUILD_EXAMPLES=OFF -DBUILD_LIBCURL_DOCS=OFF -DBUILD_MISC_DOCS=OFF -DENABLE_CURL_MANUAL=OFF \
		-DPICKY_COMPILER=OFF \
		-DCURL_USE_MBEDTLS=ON -DCURL_USE_OPENSSL=OFF -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
		-DCURL_ZLIB=ON \
		-DCURL_USE_LIBPSL=OFF -DUSE_LIBIDN2=OFF -DUSE_NGHTTP2=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF \
		-DCURL_USE_LIBSSH2=OFF -DCURL_USE_GSSAPI=OFF -DENABLE_ARES=OFF -DENABLE_THREADED_RESOLVER=ON \
		-DCURL_ENABLE_SMB=OFF -DCURL_ENABLE_NTLM=OFF "${off[@]}" &&
		make -C obj.recado -j"$JOBS" install)
}

# Release flavour on purpose: without NDEBUG it is silently its own debug mode. One object, linked whole,
# takes over malloc and free. initial-exec: everything is in one executable.
build_mimalloc()
{
	unpack mimalloc
	# shellcheck disable=SC2086
	(cd "$WORK/mimalloc" && $CC $CFLAGS -O3 -DNDEBUG -DMI_MALLOC_OVERRIDE -DMI_STATIC_LIB -Iinclude \
		-fvisibility=hidden -ftls-model=initial-exec -fno-builtin-malloc -c src/static.c \
		-o "$PREFIX/lib/mimalloc.o")
	cp "$WORK"/mimalloc/include/mimalloc*.h "$PREFIX/include/"
}

# Compiled zone files, "fat" so that a reader without the footer rule is right until 2037 too. `backward`
# keeps the old names that people still write.
build_tzdata()
{
	local dir=$WORK/tzdata zic

	unpack tzdata
	zic=$(command -v zic || echo /usr/sbin/zic)
	[ -x "$zic" ] || die "zic is missing (package libc-bin)"
	rm -rf "$PREFIX/zoneinfo"
	(cd "$dir" && "$zic" -b fat -d "$PREFIX/zoneinfo" africa antarctica asia australasia europe \
		northamerica southamerica etcetera backward)
	rm -f "$PREFIX/zoneinfo/localtime" "$PREFIX/zoneinfo/posixrules"
}

# --- one prefix ----------------------------------------------------------------------------------------

# Runs a recipe with its output in a log; shows the log's end when it fails.
step()
{
	local t0=$SECONDS rc

	# Not in a condition: there bash would let a failed command of the recipe pass.
	set +e
	(set -e; "build_$1") >"$WORK/$1.log" 2>&1
	rc=$?
	set -e
	if [ $rc -ne 0 ]; then
		tail -n 25 "$WORK/$1.log" >&2
		say "$FLAVOUR/$1 failed; whole log: $WORK/$1.log"
		return 1
	fi
	say "$FLAVOUR/$1 ${VERSION_OF[$1]} built in $((SECONDS - t0)) s"
}

build_prefix()
{
	local lib sqlite_pid t0=$SECONDS

	FLAVOUR=$1
	PREFIX=$ROOT/$FLAVOUR
	[ -f "$PREFIX.stamp" ] && return 0
	say "building $FLAVOUR into $PREFIX (log files in $PREFIX.work)"
	fetch_all
	WORK=$PREFIX.work
	rm -rf "$PREFIX" "$WORK"
	mkdir -p "$PREFIX/include" "$PREFIX/lib" "$WORK"
	CFLAGS="-O2 -g -fno-omit-frame-pointer -fstack-protector-strong -ffile-prefix-map=$WORK=/deps -w"
	if [ "$FLAVOUR" = musl ]; then
		step musl
		CC=$PREFIX/bin/recado-cc
		CFLAGS="$CFLAGS -fPIE -ffunction-sections -fdata-sections -fno-plt -fcf-protection"
		case $(gcc -dumpmachine) in x86_64-*) ;; *) CFLAGS=${CFLAGS/ -fcf-protection/} ;; esac
	else
		CC=gcc
		CFLAGS="$CFLAGS -fPIC"
	fi
	export CC
	step sqlite &           # the longest by far: it has one core for itself
	sqlite_pid=$!
	trap 'kill $sqlite_pid 2>/dev/null || true' EXIT
	for lib in zlib yyjson inih argon2 expat qrcodegen libxlsxwriter mbedtls libmicrohttpd curl tzdata; do
		step $lib
	done
	if [ "$FLAVOUR" = musl ]; then step mimalloc; fi
	wait $sqlite_pid
	trap - EXIT
	for lib in "${!VERSION_OF[@]}"; do
		if [ "$FLAVOUR" = musl ] || { [ "$lib" != musl ] && [ "$lib" != mimalloc ]; }; then
			echo "$lib ${VERSION_OF[$lib]}"
		fi
	done | sort >"$PREFIX/versions"
	rm -rf "$WORK"
	touch "$PREFIX.stamp"
	say "$FLAVOUR ready in $((SECONDS - t0)) s"
}

case ${1:-} in
where)
	echo "$ROOT"
	;;
dev|musl|fetch)
	mkdir -p "$ROOT"
	[ "$1" != fetch ] && [ -f "$ROOT/$1.stamp" ] && exit 0
	exec 9>"$CACHE/lock"
	flock 9
	if [ "$1" = fetch ]; then fetch_all; else build_prefix "$1"; fi
	;;
*)
	sed -n '3,9s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
