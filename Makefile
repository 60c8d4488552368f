# make build | demo | demo-llm | test | conformance | lint | bench | security | install | uninstall | header | clean | help
#
# Every target that compiles or tests looks first for the tools that it needs (scripts/toolchain). What it makes is below
# target/, or below CARGO_TARGET_DIR where that is set.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR  = $(PREFIX)/include
LIBEXECDIR  = $(PREFIX)/libexec
DESTDIR    ?=

CARGO   ?= cargo
RUSTC   ?= rustc
INSTALL ?= install
TARGET   = $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
RELEASE  = $(TARGET)/release
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME   = libskilllite.so.$(firstword $(subst ., ,$(VERSION)))

# Where rustup puts cargo, for shells that have not been told yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# What make test does, in this order.
TESTS = test-rust test-c test-cpp test-python test-node test-go conformance test-dialects test-disclosure test-e2e test-examples \
        test-network test-install test-size

.DEFAULT_GOAL := help
.PHONY: build demo demo-llm test conformance lint bench security install uninstall header clean help
.PHONY: toolchain-build toolchain-demo toolchain-test release $(TESTS)

help:
	@echo 'make build      the release library: $(RELEASE)/libskilllite.so, .a'
	@echo 'make demo       builds, then runs the C host and the Python host over real skills'
	@echo 'make demo-llm   a small model on this machine calls a skill; compiles llama.cpp the first time'
	@echo 'make test       every test'
	@echo 'make conformance  the same cases through C, C++, Go, Node and Python'
	@echo 'make lint       formats, lints, strict compilers, licences'
	@echo 'make bench      measures, against bare interpreters and what else is installed'
	@echo 'make security   runs hostile programs and prints what held'
	@echo 'make install    library, headers, pkg-config and CMake files, supervisor; PREFIX=$(PREFIX) DESTDIR= LIBDIR='
	@echo 'make uninstall  removes them'
	@echo 'make header     writes include/skilllite.h anew from src/capi'
	@echo 'make clean      removes what was built'

toolchain-build toolchain-demo toolchain-test: toolchain-%:
	@scripts/toolchain $*

# Cargo optimises across crates only where no Rust library is among what it makes, as for its own tests: these two kinds of
# library are asked for by name, and are half a megabyte smaller. Then the name by which the dynamic loader looks for the
# shared one, an archive that shows only its own functions, and what a static link needs beside it.
release:
	$(CARGO) rustc --release --locked --lib --crate-type cdylib,staticlib
	@ln -sf libskilllite.so $(RELEASE)/$(SONAME)
	@scripts/close-archive $(RELEASE)/libskilllite.a
	@RUSTC='$(RUSTC)' scripts/native-libs > $(RELEASE)/native-static-libs

build: toolchain-build release

# The third-party skills arrive while the library is built.
demo: toolchain-demo
	@scripts/demo --fetch & fetch=$$!; \
	$(MAKE) --no-print-directory release && { wait $$fetch; scripts/demo; }

# Not among the tests: it downloads a model and compiles for long.
demo-llm: toolchain-demo release
	scripts/demo-llm

test: toolchain-test release $(TESTS)
	@echo 'make test: everything passed'

test-rust:
	$(CARGO) test --locked

# Hosts in C: the whole API, valgrind, the address sanitizer, and hosts that behave badly.
test-c: release
	tests/host/run

# The header for C++, by every compiler that is here.
test-cpp: release
	tests/cpp/run

test-python: release
	bindings/python/run-tests

# The same cases through every language; see tests/conformance/README.md.
conformance: toolchain-test release
	tests/conformance/run

# The Go package, with the shared library and with the static one.
test-go: release
	bindings/go/run-tests
test-node: release
	bindings/node/run-tests

# What the vendors' own packages say about definitions, answers and streams.
test-dialects: release
	tests/dialects/run

# What others' packages say about progressive disclosure: a suite for providers of skills, and the specification's reference.
test-disclosure: release
	tests/disclosure/run

# The vendors' SDKs in whole loops with real skills, against a mock of the vendors on this machine.
test-e2e: release
	tests/e2e/run

# The demos in Python, against their own mock and against others' servers.
test-examples: release
	tests/examples/run

# Clients that know nothing of the library, behind its proxy: Python's, Node's, curl, wget, git, pip, npm.
test-network: release
	tests/network/clients

# An installed tree, linked in every way, the examples over it, the same call in every language, and the programs of README.md.
test-install: release
	tests/install/run
	tests/install/link
	tests/install/calculators
	tests/install/agent
	tests/install/readme

test-size: release
	tests/install/size

lint: toolchain-test
	scripts/lint

bench: toolchain-test release
	benches/run

security: toolchain-test release
	tests/hostile/run --table

# Installs what is built and builds only what is not, so that root needs no compiler.
install:
	@test -f $(RELEASE)/native-static-libs || $(MAKE) build
	scripts/install '$(RELEASE)' '$(VERSION)' '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)' '$(LIBEXECDIR)' '$(DESTDIR)'

uninstall:
	scripts/install --remove '$(RELEASE)' '$(VERSION)' '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)' '$(LIBEXECDIR)' '$(DESTDIR)'

header: toolchain-build
	SKILLLITE_BLESS=1 $(CARGO) test --locked --test header the_header_is_current

clean:
	$(CARGO) clean
	rm -rf bindings/python/build bindings/python/dist bindings/node/dist bindings/node/node_modules
