# Makefile -- everything is built, checked and tested from here.
#
#   make            the release binary: static, musl, build/release/recado (stripped) and recado.debug beside it
#   make debug      build/debug/recado: system compiler and libc, for gdb and quick turns
#   make asan tsan  the same with AddressSanitizer + UBSan, or ThreadSanitizer
#   make unit       all unit tests (ASan+UBSan) and the replay of every fuzz finding; make unit-ROOM for one room
#   make room-ROOM  only compile a room            make check    warnings, layout, house rules (fast)
#   make format     apply .clang-format            make fuzz     every parser for FUZZ_SECONDS each
#   make test       check + unit + release binary + end-to-end and fault tests; make test-long for the nights
#   make bench      ratios against named peers     make install  DESTDIR= PREFIX=
#   make embed-list what travels inside the binary make clean    forget build/ (the library cache stays)
#
# BUILD=folder puts everything elsewhere. Third-party libraries: etc/deps/README.md.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
HOSTCC  ?= gcc
PYTHON  ?= /usr/bin/python3
FUZZ_SECONDS ?= 20
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := release
SHELL := /bin/bash

# --- rooms and their floors (design: a room may use the rooms below it) ------------------------------------

ROOMS := base db certs work link files web outbox pay desk renewals sends stays fleet tickets ops standin

floor_base     :=
floor_certs    := base
floor_db       := base
floor_work     := db certs base
floor_link     := db certs base
floor_files    := db certs base
floor_web      := work link files db certs base
floor_outbox   := web work link files db certs base
floor_pay      := web work link files db certs base
floor_desk     := outbox pay web work link files db certs base
modules_below  := desk outbox pay web work link files db certs base
floor_renewals := $(modules_below)
floor_sends    := $(modules_below)
floor_stays    := $(modules_below)
floor_fleet    := $(modules_below)
floor_tickets  := $(modules_below)
floor_ops      := renewals sends stays fleet tickets $(modules_below)
floor_standin  := $(floor_web) web

room_dir = $(if $(filter db certs,$(1)),$(1),app/$(1))
room_src = $(sort $(shell find $(call room_dir,$(1)) -name '*.c' 2>/dev/null))
$(foreach r,$(ROOMS),$(eval src_$(r) := $(call room_src,$(r))))
src_top  := $(wildcard app/*.c)
SOURCES  := $(foreach r,$(ROOMS),$(src_$(r))) $(src_top)

# --- third-party libraries ---------------------------------------------------------------------------------

DEPS  := $(shell etc/deps/deps.sh where)
LIBS  := -Wl,--start-group -lmicrohttpd -lcurl -lmbedtls -lmbedx509 -lmbedcrypto -lz -lsqlite3 -linih -lyyjson \
	 -largon2 -lxlsxwriter -lexpat -lqrcodegen -Wl,--end-group -lm -lpthread
# Prototypes of inih depend on these; the library was built with the same (etc/deps/deps.sh).
INIH  := -DINI_HANDLER_LINENO=1 -DINI_CALL_HANDLER_ON_NEW_SECTION=1 -DINI_USE_STACK=1 -DINI_MAX_LINE=4096 \
	 -DINI_STOP_ON_FIRST_ERROR=1 -DINI_ALLOW_MULTILINE=0 -DINI_ALLOW_INLINE_COMMENTS=0

$(DEPS)/dev.stamp:
	etc/deps/deps.sh dev
$(DEPS)/musl.stamp:
	etc/deps/deps.sh musl

# --- flags -------------------------------------------------------------------------------------------------

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
COMMON := -std=gnu11 -D_GNU_SOURCE -DRECADO_VERSION='"$(VERSION)"' -Iapp -I. $(INIH) $(WARN) -g -fno-common \
	  -fno-omit-frame-pointer -fstack-protector-strong
CFI    := $(if $(findstring x86_64,$(shell $(HOSTCC) -dumpmachine)),-fcf-protection)

flags_debug   := -Og -DRECADO_TEST=1
flags_asan    := -O1 -DRECADO_TEST=1 -fsanitize=address,undefined -fno-sanitize-recover=all
flags_tsan    := -O1 -DRECADO_TEST=1 -fsanitize=thread
flags_fuzz    := -O1 -DRECADO_TEST=1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
		 -Wno-unknown-warning-option
flags_release := -O2 -DNDEBUG -fPIE -ffunction-sections -fdata-sections -fno-plt $(CFI) \
		 -ffile-prefix-map=$(CURDIR)=/recado
link_debug    :=
link_asan     := -fsanitize=address,undefined
link_tsan     := -fsanitize=thread
link_fuzz     := -fsanitize=fuzzer,address,undefined
# 1 MiB thread stacks: musl's own 128 kB are too few for TLS and SQLite. Relative relocations packed: 400 kB less (a
# linker that does not know how leaves them as they are).
link_release  := -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,pack-relative-relocs -Wl,--gc-sections -Wl,-z,stack-size=1048576 \
		 -Wl,--build-id $(DEPS)/musl/lib/mimalloc.o
cc_debug      := gcc
cc_asan       := gcc
cc_tsan       := gcc
cc_fuzz       := clang
cc_release    := $(DEPS)/musl/bin/recado-cc
deps_debug    := dev
deps_asan     := dev
deps_tsan     := dev
deps_fuzz     := dev
deps_release  := musl
FLAVOURS      := debug asan tsan fuzz release

# --- tools that run while building -------------------------------------------------------------------------

TOOLS := $(BUILD)/tools
$(TOOLS)/%: etc/build/%.c
	@mkdir -p $(@D)
	$(HOSTCC) -std=gnu11 -D_GNU_SOURCE -O1 -g $(WARN) -o $@ $<

# A list of names that changes its file only when the list changes: what depends on it notices removals.
# $(1) file, $(2) words
keep_list = @mkdir -p $(dir $(1)); printf '%s\n' $(2) | cmp -s - $(1) || printf '%s\n' $(2) >$(1)

# --- what is embedded --------------------------------------------------------------------------------------

PO_FRAGMENTS := $(sort $(wildcard etc/po/es.po etc/po/es.d/*.po))
PAGE_DIRS    := $(sort $(shell find app -type d -name pages 2>/dev/null))
EMBED_DIRS   := $(strip $(PAGE_DIRS) $(wildcard app/web/assets))
EMBED_FILES  := $(sort $(wildcard migrations/*.sql etc/recado.ini) \
		$(if $(EMBED_DIRS),$(shell find $(EMBED_DIRS) -type f ! -name '.*' ! -name '*~')))
CA_BUNDLE    := $(BUILD)/gen/ca-bundle.crt

$(CA_BUNDLE): certs/bundle.sh $(wildcard certs/ca-bundle.crt /etc/ca-certificates.conf \
		/etc/ssl/certs/ca-certificates.crt)
	@mkdir -p $(@D)
	@certs/bundle.sh >$@

$(BUILD)/po/es.po: $(TOOLS)/po $(PO_FRAGMENTS) $(BUILD)/gen/po.list
	@mkdir -p $(@D)
	@$(TOOLS)/po $@ $(PO_FRAGMENTS)

$(BUILD)/gen/po.list: FORCE
	$(call keep_list,$@,$(PO_FRAGMENTS))
$(BUILD)/gen/embed.list: FORCE
	$(call keep_list,$@,$(EMBED_FILES))
$(BUILD)/gen/revision: FORCE
	$(call keep_list,$@,$(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown))

# $(1) flavour
define EMBED
$(BUILD)/$(1)/gen/embed.S: $(TOOLS)/embed $(BUILD)/gen/embed.list $(BUILD)/gen/revision $(BUILD)/po/es.po \
		$(EMBED_FILES) $(CA_BUNDLE) $(DEPS)/$(deps_$(1)).stamp
	@mkdir -p $$(@D)
	@$(TOOLS)/embed $$@ $(foreach f,$(EMBED_FILES),file $(f) $(f)) \
		file certs/ca-bundle.crt $(CA_BUNDLE) file etc/po/es.po $(BUILD)/po/es.po \
		file etc/deps/versions $(DEPS)/$(deps_$(1))/versions file etc/build/revision $(BUILD)/gen/revision \
		tree zone $(DEPS)/$(deps_$(1))/zoneinfo
$(BUILD)/$(1)/gen/embed.o: $(BUILD)/$(1)/gen/embed.S
	$(HOSTCC) -c -o $$@ $$<
endef
$(foreach f,$(FLAVOURS),$(eval $(call EMBED,$(f))))

# --- compiling, one set of rules a flavour -----------------------------------------------------------------
# What the compiler says is kept beside the object: `make check` finds warnings without compiling again. Results
# appear by rename, so that two makes at once cannot see half a file of each other. They are as old as their
# beginning: a header that is saved while a file compiles makes it compile again.

# $(1) flavour
compile = @mkdir -p $(@D); echo "  $(1)  $<"; t=$@.$$$$; : >$$t.at; \
	if $(cc_$(1)) $(COMMON) $(flags_$(1)) -isystem $(DEPS)/$(deps_$(1))/include -MMD -MP -MF $$t.d -MT $@ -c \
		-o $$t $< 2>$$t.warn; \
	then cat $$t.warn >&2; touch -r $$t.at $$t; rm $$t.at; mv $$t.d $(@:.o=.d); mv $$t.warn $@.warn; mv $$t $@; \
	else cat $$t.warn >&2; rm -f $$t $$t.at $$t.d $$t.warn; exit 1; fi

define FLAVOUR
$(BUILD)/$(1)/obj/%.o: %.c | $(DEPS)/$(deps_$(1)).stamp
	$$(call compile,$(1))
endef
$(foreach f,$(FLAVOURS),$(eval $(call FLAVOUR,$(f))))
objects = $(patsubst %.c,$(BUILD)/$(1)/obj/%.o,$(2))

# $(1) flavour, $(2) room: one archive, so that a test links this room and the rooms below it and nothing else
define ROOM_ARCHIVE
$(BUILD)/$(1)/lib/$(2).list: FORCE
	$$(call keep_list,$$@,$(src_$(2)))
$(BUILD)/$(1)/lib/lib$(2).a: $(BUILD)/$(1)/lib/$(2).list $(call objects,$(1),$(src_$(2)))
	@t=$$@.$$$$$$$$; ar rcsD $$$$t $(call objects,$(1),$(src_$(2))) && mv $$$$t $$@
endef
$(foreach f,asan fuzz release,$(foreach r,$(ROOMS),$(eval $(call ROOM_ARCHIVE,$(f),$(r)))))

# $(1) flavour, $(2) room: what a test of that room links
room_link = $(foreach r,$(2) $(floor_$(2)),$(BUILD)/$(1)/lib/lib$(r).a) $(BUILD)/$(1)/gen/embed.o
group = -Wl,--start-group $(1) -Wl,--end-group

# $(1) flavour: the program
define PROGRAM
$(BUILD)/$(1)/lib/all.list: FORCE
	$$(call keep_list,$$@,$(SOURCES))
$(BUILD)/$(1)/$(if $(filter release,$(1)),recado.debug,recado): $(BUILD)/$(1)/lib/all.list \
		$(call objects,$(1),$(SOURCES)) $(BUILD)/$(1)/gen/embed.o
	@echo "  $(1)  link $$@"
	@$(cc_$(1)) $(flags_$(1)) $(link_$(1)) -o $$@ $(call objects,$(1),$(SOURCES)) $(BUILD)/$(1)/gen/embed.o \
		-L$(DEPS)/$(deps_$(1))/lib $(LIBS)
endef
$(foreach f,debug asan tsan release,$(eval $(call PROGRAM,$(f))))

$(BUILD)/release/recado: $(BUILD)/release/recado.debug
	@strip -o $@ $<

.PHONY: release debug asan tsan
release: $(BUILD)/release/recado
debug: $(BUILD)/debug/recado
asan: $(BUILD)/asan/recado
tsan: $(BUILD)/tsan/recado

.PHONY: $(ROOMS:%=room-%) deps deps-dev
$(foreach r,$(ROOMS),$(eval room-$(r): $(call objects,debug,$(src_$(r)))))
room-top: $(call objects,debug,$(src_top))
deps: $(DEPS)/dev.stamp $(DEPS)/musl.stamp
deps-dev: $(DEPS)/dev.stamp

# --- unit tests --------------------------------------------------------------------------------------------
# tests/unit/ROOM/test_*.c are programs of their own; other .c files there are linked to each of them.

# Beside the rooms below: whom the client of a provider is tested against.
unit_also_sends  := standin

# $(1) room
define UNIT
unit_src_$(1)    := $(sort $(wildcard tests/unit/$(1)/test_*.c))
unit_help_$(1)   := $(filter-out $(wildcard tests/unit/$(1)/test_*.c),$(wildcard tests/unit/$(1)/*.c))
unit_bin_$(1)    := $$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$$(unit_src_$(1)))
$$(unit_bin_$(1)): $(BUILD)/unit/$(1)/%: $(BUILD)/asan/obj/tests/unit/$(1)/%.o \
		$$(call objects,asan,$$(unit_help_$(1))) $(call room_link,asan,$(1)) \
		$(unit_also_$(1):%=$(BUILD)/asan/lib/lib%.a)
	@mkdir -p $$(@D)
	@$(cc_asan) $(flags_asan) $(link_asan) -o $$@ $$(filter %.o,$$^) $$(call group,$$(filter %.a,$$^)) \
		-L$(DEPS)/dev/lib $(LIBS) -lcmocka
.PHONY: unit-$(1)
unit-$(1): $$(unit_bin_$(1))
	@etc/build/run_unit.sh $(BUILD)/unit $$(unit_bin_$(1))
endef
$(foreach r,$(ROOMS),$(eval $(call UNIT,$(r))))
UNIT_BINS := $(foreach r,$(ROOMS),$(unit_bin_$(r)))
$(BUILD)/asan/obj/tests/unit/%.o: COMMON += -Itests/unit

# --- fuzzing -----------------------------------------------------------------------------------------------
# tests/fuzz/NAME.c has LLVMFuzzerTestOneInput; tests/fuzz/corpus/NAME/ its seeds and every finding. The first
# word of NAME up to "_" may be a room (base_csv): then only that room and those below are linked.

FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c)))
fuzz_room = $(or $(filter $(ROOMS),$(firstword $(subst _, ,$(1)))),ops)

define FUZZ
$(BUILD)/fuzz/bin/$(1): $(BUILD)/fuzz/obj/tests/fuzz/$(1).o $(call room_link,fuzz,$(call fuzz_room,$(1)))
	@mkdir -p $$(@D)
	@$(cc_fuzz) $(flags_fuzz) $(link_fuzz) -o $$@ $$(filter %.o,$$^) $$(call group,$$(filter %.a,$$^)) \
		-L$(DEPS)/dev/lib $(LIBS)
$(BUILD)/unit/fuzz/$(1): $(BUILD)/asan/obj/tests/fuzz/$(1).o $(BUILD)/asan/obj/etc/build/replay.o \
		$(call room_link,asan,$(call fuzz_room,$(1)))
	@mkdir -p $$(@D)
	@$(cc_asan) $(flags_asan) $(link_asan) -o $$@ $$(filter %.o,$$^) $$(call group,$$(filter %.a,$$^)) \
		-L$(DEPS)/dev/lib $(LIBS)
.PHONY: fuzz-$(1)
fuzz-$(1): $(BUILD)/fuzz/bin/$(1)
	@mkdir -p $(BUILD)/fuzz/found/$(1) tests/fuzz/corpus/$(1)
	@echo "  fuzz  $(1), $(FUZZ_SECONDS) s"
	@cd $(BUILD)/fuzz/found/$(1) && $(abspath $(BUILD))/fuzz/bin/$(1) -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
		-rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 corpus $(CURDIR)/tests/fuzz/corpus/$(1) \
		|| { echo "a finding is in $(BUILD)/fuzz/found/$(1): keep it in tests/fuzz/corpus/$(1)"; exit 1; }
$(BUILD)/fuzz/bin/$(1): | $(BUILD)/fuzz/found/$(1)/corpus
$(BUILD)/fuzz/found/$(1)/corpus:
	@mkdir -p $$@
endef
$(foreach n,$(FUZZ_NAMES),$(eval $(call FUZZ,$(n))))
REPLAY_BINS := $(FUZZ_NAMES:%=$(BUILD)/unit/fuzz/%)

.PHONY: unit fuzz replay
unit: $(UNIT_BINS) $(REPLAY_BINS)
	@etc/build/run_unit.sh $(BUILD)/unit $(UNIT_BINS) $(REPLAY_BINS)
replay: $(REPLAY_BINS)
	@etc/build/run_unit.sh $(BUILD)/unit $(REPLAY_BINS)
fuzz: $(FUZZ_NAMES:%=fuzz-%)

# --- checks ------------------------------------------------------------------------------------------------

C_FILES := $(sort $(shell find app db certs etc tests -name '*.[ch]' 2>/dev/null))

.PHONY: check check-format check-source check-warnings format
check:
	@rc=0; for t in check-format check-source check-warnings; do $(MAKE) $$t || rc=1; done; \
	if [ $$rc -eq 0 ]; then echo "check: fine"; fi; exit $$rc

check-format:
	@clang-format --dry-run -Werror $(C_FILES)

check-source: $(BUILD)/po/es.po
	@$(PYTHON) etc/build/check.py $(BUILD)/po/es.po

check-warnings: $(call objects,debug,$(SOURCES))
	@bad=$$(find $(call objects,debug,$(SOURCES)) -maxdepth 0 2>/dev/null | sed 's/$$/.warn/' | \
		xargs -r -I{} find {} -size +0 2>/dev/null); \
	if [ -n "$$bad" ]; then cat $$bad >&2; echo "check: the compiler warned" >&2; exit 1; fi

# FILES="a.c b.h" formats only those.
format:
	@for pass in 1 2; do $(PYTHON) etc/build/wrap.py $(or $(FILES),$(C_FILES)) && \
		clang-format -i $(or $(FILES),$(C_FILES)); done

# --- tests, measurements -----------------------------------------------------------------------------------

.PHONY: test test-long e2e bench
test: check unit release debug
	@etc/build/run_tests.sh $(BUILD) "not long" tests/e2e tests/fault

test-long: check unit release debug asan
	@RECADO_SIMULATE=2000 $(BUILD)/unit/work/test_simulation
	@etc/build/run_tests.sh $(BUILD) "" tests/e2e tests/fault
	@$(MAKE) fuzz FUZZ_SECONDS=600

# One file or folder: make e2e T=tests/e2e/test_import.py
e2e: release debug
	@etc/build/run_tests.sh $(BUILD) "not long" $(or $(T),tests/e2e)

# tests/bench/NAME.c are the C halves of a comparison: built as the release is, with every room to call.
BENCH_BINS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard tests/bench/*.c)))
$(BENCH_BINS): $(BUILD)/bench/%: $(BUILD)/release/obj/tests/bench/%.o $(call room_link,release,ops) \
		$(BUILD)/release/lib/libstandin.a
	@mkdir -p $(@D)
	@$(cc_release) $(flags_release) $(link_release) -o $@ $(filter %.o,$^) $(call group,$(filter %.a,$^)) \
		-L$(DEPS)/musl/lib $(LIBS)
bench: release $(BENCH_BINS)
	@$(PYTHON) tests/bench/bench.py --build $(BUILD) --out $(BUILD)/bench.json

# --- the rest ----------------------------------------------------------------------------------------------

.PHONY: install clean embed-list FORCE
install: release
	install -D -m 755 $(BUILD)/release/recado $(DESTDIR)$(PREFIX)/bin/recado
	@for f in $(wildcard etc/*.ini etc/*.service etc/*.conf etc/*.caddy README.md LICENSE); do \
		install -D -m 644 "$$f" "$(DESTDIR)$(PREFIX)/share/recado/$${f##*/}"; done

embed-list: $(BUILD)/debug/gen/embed.S
	@sed -n 's/^\.Ln[0-9]*:\t\.asciz "\(.*\)"/\1/p' $<

clean:
	rm -rf $(BUILD)

FORCE:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
