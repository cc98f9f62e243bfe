# Thin wrappers over CMake presets. `make demo` and `make test` start from a bare Debian 12.
JOBS ?= $(shell nproc)

.PHONY: help install build demo test test-machines test-slow sanitize fuzz bench format format-check clean packages-demo packages packages-slow

help:
	@echo "make demo    install what is missing, build what the demonstration runs, run it"
	@echo "make test    install what is missing, build everything, run all tests but the slow ones"
	@echo "make build   build everything;  make bench  run the benchmarks"
	@echo "make test-machines, make test-slow, make sanitize   the slower tiers;  make fuzz [SECONDS=60];  make format, make clean"
	@echo "make install [PREFIX=/usr/local]   headers, the CMake package, programs"

packages-demo:
	@scripts/install_packages demo

packages:
	@scripts/install_packages all

packages-slow:
	@scripts/install_packages slow

build: packages
	cmake --preset default
	@scripts/build build $(JOBS)

demo: packages-demo
	@test -f build/build.ninja || cmake --preset demo
	@scripts/build build $(JOBS) demo
	scripts/demo build/bin

test: build
	ctest --preset default -j $(JOBS)

test-machines: packages-slow build
	@scripts/build build $(JOBS) slow_tests
	ctest --preset machines -j $(JOBS)

test-slow: packages-slow build
	@scripts/build build $(JOBS) slow_tests
	ctest --preset slow -j $(JOBS)

sanitize: packages
	cmake --preset sanitize
	@scripts/build build-sanitize $(JOBS)
	ctest --preset sanitize -j $(JOBS)

SECONDS ?= 60
fuzz: packages
	JOBS=$(JOBS) scripts/fuzz $(SECONDS)

bench: packages
	cmake --preset default
	@scripts/build build $(JOBS) benchmarks
	scripts/run_benchmarks build/bin

format:
	@git ls-files '*.hpp' '*.cpp' '*.cuh' '*.cu' '*.inc' | xargs clang-format -i

format-check:
	@git ls-files '*.hpp' '*.cpp' '*.cuh' '*.cu' '*.inc' | xargs clang-format --dry-run --Werror

PREFIX ?= /usr/local
install: build
	cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build build-*
