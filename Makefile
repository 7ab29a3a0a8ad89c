# SPDX-License-Identifier: BSD-3-Clause
#
# The short way to meson. Every target sets up what it needs, packages
# included, on a fresh Debian machine.
#
#   make          build into build/, from where everything runs
#   make run      build, and watch an NVMe driver at work in an IOMMU
#   make test     build, and run all fast tests
#   make bench    measure against yardsticks; BENCH_QUICK=1: a minute
#   make install  into PREFIX (default /usr/local), below DESTDIR
#   make style    formatting, lint, layers, sizes, documentation
#   make asan     tests under clang's address and undefined sanitizers
#   make tsan     tests under gcc's thread sanitizer
#   make mutate   switch each guard off, and see its test fail
#   make lint-deep  valgrind and gcc's analyzer: slow
#   make docs     the documentation of the interfaces, into build/docs/api/
#   make clean

PREFIX ?= /usr/local
MESON_TEST = meson test --print-errorlogs --no-rebuild
FAST_SUITES = unit abi fault isolation cli shim bench headers style clients
suite = $(addprefix --suite ,$(1))


.PHONY: all run test install clean style asan tsan mutate lint-deep docs
.PHONY: bench deps-build deps-test deps-bench deps-lint

all: build/build.ninja
	@ninja -C build

deps-build:
	@tools/install-deps build

deps-test:
	@tools/install-deps build test

deps-bench:
	@tools/install-deps build bench

deps-lint:
	@tools/install-deps build test lint

# -O2 without assertions, so that figures are honest; the sanitizers' builds
# have them.
build/build.ninja: | deps-build
	@meson setup -Db_ndebug=true -Dtests=false --prefix=$(PREFIX) build

build/with-tests: | deps-test build/build.ninja
	@meson setup --reconfigure -Dtests=true build >build/with-tests.log || \
		{ cat build/with-tests.log; exit 1; }
	@mv build/with-tests.log $@

build/with-bench: | deps-bench build/build.ninja
	@meson setup --reconfigure -Dbench=true build >build/with-bench.log || \
		{ cat build/with-bench.log; exit 1; }
	@mv build/with-bench.log $@

build-asan/build.ninja: | deps-test
	@CC=clang meson setup -Db_sanitize=address,undefined -Db_lundef=false \
		build-asan

build-tsan/build.ninja: | deps-test
	@CC=gcc meson setup -Db_sanitize=thread -Db_lundef=false build-tsan

run: all
	@tools/demo build

test: build/with-tests
	@ninja -C build
	@status=0; \
	$(MESON_TEST) -C build $(call suite,$(FAST_SUITES)) || status=1; \
	tools/test-summary build unit abi headers style || status=1; \
	exit $$status

bench: build/with-bench
	@ninja -C build
	@bench/run build

install: all
	@meson configure --prefix=$(PREFIX) build
	@meson install -C build

asan: build-asan/build.ninja
	@ninja -C build-asan
	@status=0; \
	$(MESON_TEST) -C build-asan $(call suite,unit abi fault) || status=1; \
	tools/test-summary build-asan unit abi || status=1; \
	exit $$status

tsan: build-tsan/build.ninja
	@ninja -C build-tsan
	@status=0; \
	$(MESON_TEST) -C build-tsan $(call suite,unit abi fault) || status=1; \
	tools/test-summary build-tsan unit abi || status=1; \
	exit $$status

style: build/with-tests
	@ninja -C build
	@status=0; \
	$(MESON_TEST) -C build $(call suite,style headers) || status=1; \
	tools/check-tidy build-tidy || status=1; \
	exit $$status

mutate: deps-test
	@tools/mutate build-mutate

lint-deep: deps-lint build/with-tests
	@ninja -C build
	@tools/lint-deep build build-analyzer

docs: build/build.ninja
	@tools/install-deps test
	@tools/kdoc --out build/docs/api

clean:
	@rm -rf build build-asan build-tsan build-tidy build-mutate \
		build-analyzer
