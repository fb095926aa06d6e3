# kernelsight: `make run` and `make test` install what they need, build, and do what they say.
# Options: V=1 shows commands; SAN=1 builds with ASan and UBSan, in build/san.

VERSION := 0.1.0
PREFIX  ?= /usr
DESTDIR ?=

ifeq ($(SAN),1)
B        := build/san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
B := build
endif
JOBS := $(shell nproc)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

CC       ?= cc
CLANG    ?= clang
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
CFLAGS   ?= -O2 -g
CSTD     := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
            -Wno-format-nonliteral -Wundef -Wvla -Werror
BPFCC    := $(CLANG) -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -O2 -g \
            -Wall -Wextra -Wno-unused-parameter -Werror
override CPPFLAGS += -D_GNU_SOURCE -DKERNELSIGHT_VERSION='"$(VERSION)"' -Idetector -I$(B)/gen
LIBS     := -lbpf -lelf -lz -lcjson -lcurl -lcrypto -lpcre2-8 -lm -pthread

BPF_SRC  := $(wildcard bpf/*.bpf.c)
BPF_OBJ  := $(BPF_SRC:bpf/%.bpf.c=$(B)/%.bpf.o)
SRC      := $(wildcard detector/*/*.c)
OBJ      := $(SRC:%.c=$(B)/obj/%.o)
RULES    := $(sort $(filter-out rules/schema.json,$(wildcard rules/*.json)))
GEN      := $(B)/gen/syscall_names.inc $(B)/gen/objects.inc
UNIT     := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
TOOLS    := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))
FLOORS   := $(patsubst %.bpf.c,$(B)/%.bpf.o,$(wildcard tests/bench/*.bpf.c))
FORMATTED = $(filter-out bpf/vmlinux.h,$(wildcard bpf/*.[ch] detector/*.c detector/*/*.[ch] tests/*/*.[ch]))
FUZZ     := $(patsubst tests/fuzz/fuzz_%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: FORCE all deps run schema test unit tools test-vm bench soak fuzz lint fmt install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/kernelsight $(BPF_OBJ)

$(B)/kernelsight: $(B)/obj/detector/main.o $(OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/obj/%.o: %.c $(GEN) $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CSTD) $(CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

# The objects are found by .incbin through -I$(B); the assembler writes no dependencies.
$(B)/obj/detector/source/embedded.o: CPPFLAGS += -Wa,-I$(B)
$(B)/obj/detector/source/embedded.o: $(BPF_OBJ)
$(B)/obj/detector/daemon/shipped_rules.o: $(B)/gen/shipped_rules.inc $(RULES)

$(B)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) bpf/events.def
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFCC) -c -o $@ $<

$(B)/tests/bench/%.bpf.o: tests/bench/%.bpf.c $(wildcard bpf/*.h)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFCC) -Ibpf -c -o $@ $<

# name and number of each system call, of this machine's table and of the 32-bit one
$(B)/gen/syscall_names.inc: detector/event/syscall_names.sh
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sh $< $(CC) > $@

# The next two are written anew each time and replaced only if they differ: a rule file that is gone,
# or other flags, must not leave old objects behind.
replace = mkdir -p $(@D); cat > $@.new; cmp -s $@ $@.new && rm $@.new || mv $@.new $@

$(B)/gen/shipped_rules.inc: FORCE
	$(Q)for f in $(RULES); do printf 'SHIPPED(%s, "%s")\n' "$$(basename $$f .json | tr -c 'a-z0-9\n' _)" "$$f"; done | { $(replace); }

# the BPF objects that the program carries
$(B)/gen/objects.inc: FORCE
	$(Q)for f in $(BPF_OBJ); do printf 'OBJECT(%s)\n' "$$(basename $$f .bpf.o)"; done | { $(replace); }

$(B)/flags: FORCE
	$(Q)echo '$(CC) $(CPPFLAGS) $(CSTD) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) $(LIBS)' | { $(replace); }

FORCE:

# --- everything else -------------------------------------------------------------------------

deps:
	$(Q)sh packaging/deps.sh build

run: deps
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)$(B)/kernelsight run

test: deps
	$(Q)sh packaging/deps.sh test
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) SAN=1 unit
	$(Q)python3 tests/run.py --build $(B) --unit build/san/tests

# rules/schema.json, after a change of the sources or of the language
schema: all
	$(Q)$(B)/kernelsight schema > rules/schema.json

# C tests, always with sanitizers when run by `make test`
unit: $(UNIT)

# the Python tests on another kernel: Debian's, in an emulated machine; VM_TESTS names some of them
test-vm: deps
	$(Q)sh packaging/deps.sh vm
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools
	$(Q)sh tests/vm/run.sh build/vm $(VM_TESTS)

# small programs that tests and benchmarks run
tools: $(TOOLS)

$(B)/tests/test_%: $(B)/obj/tests/unit/test_%.o $(OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

$(B)/tests/tools/%: tests/tools/%.c $(wildcard tests/tools/*.h)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE $(CSTD) -O2 -o $@ $< -pthread $(TOOL_LIBS)

$(B)/tests/tools/attach_bpf $(B)/tests/tools/toggle_bpf $(B)/tests/tools/wakeup_waits $(B)/tests/tools/walk_and_fork: TOOL_LIBS := -lbpf -lelf -lz
$(B)/tests/tools/walk_and_fork: bpf/source.h

$(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

bench: deps
	$(Q)sh packaging/deps.sh test bench
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools $(FLOORS) $(B)/tests/bench/engine_load
	$(Q)python3 tests/bench/bench.py --build $(B)

# memory under a storm of processes, SOAK_SECONDS long
SOAK_SECONDS ?= 600
soak: deps
	$(Q)sh packaging/deps.sh test
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools
	$(Q)python3 tests/soak/fork_storm.py --build $(B) --seconds $(SOAK_SECONDS)

# libFuzzer needs clang for everything it links; FUZZ_SECONDS each.
FUZZ_SECONDS ?= 600
fuzz: deps
	$(Q)sh packaging/deps.sh fuzz
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(FUZZ)
	$(Q)for f in $(FUZZ); do sh tests/fuzz/run.sh $$f $(FUZZ_SECONDS) || exit 1; done

CORE_SRC := $(wildcard detector/util/*.c detector/event/*.c detector/stats/*.c detector/rule/*.c detector/engine/*.c) \
            detector/capture/format.c detector/capture/line.c
CORE_FUZZ := $(CORE_SRC:%.c=build/fuzz/obj/%.o)
FUZZFLAGS := $(CPPFLAGS) -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

build/fuzz/obj/%.o: %.c $(GEN)
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

build/fuzz/%: tests/fuzz/fuzz_%.c $(CORE_FUZZ)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZFLAGS) -fsanitize=fuzzer -o $@ $^ -lcjson -lcrypto -lpcre2-8 -lm -pthread

lint:
	$(Q)sh packaging/deps.sh lint
	$(Q)sh tests/lint/layers.sh
	$(Q)sh tests/lint/headers.sh "$(CC)" "$(CPPFLAGS) -std=gnu11"
	$(Q)clang-format --dry-run -Werror $(FORMATTED)

fmt:
	$(Q)clang-format -i $(FORMATTED)

install: all
	install -D -m 755 $(B)/kernelsight $(DESTDIR)$(PREFIX)/bin/kernelsight
	install -d $(DESTDIR)/etc/kernelsight/rules.d $(DESTDIR)$(PREFIX)/share/kernelsight/rules
	install -m 644 $(RULES) rules/schema.json $(DESTDIR)$(PREFIX)/share/kernelsight/rules
	install -d $(DESTDIR)$(PREFIX)/lib/kernelsight/hooks
	install -m 755 $(filter-out hooks/README.md,$(wildcard hooks/*)) $(DESTDIR)$(PREFIX)/lib/kernelsight/hooks

uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/kernelsight $(DESTDIR)$(PREFIX)/share/kernelsight \
		$(DESTDIR)$(PREFIX)/lib/kernelsight
	-rmdir $(DESTDIR)/etc/kernelsight/rules.d $(DESTDIR)/etc/kernelsight

clean:
	rm -rf build

-include $(shell find $(B)/obj build/fuzz/obj -name '*.d' 2>/dev/null)
