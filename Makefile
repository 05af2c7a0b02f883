# The front door of obsctl. `make` lists what it can do; each target does what a newcomer would otherwise have to look
# up, and is quick when there is nothing to do. CMake and Ninja do the real work (see CMakePresets.json).

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
SCENARIO ?= http-api/error-spike
FUZZ_SECONDS ?= 30

# On a terminal Ninja shows its one status line; elsewhere only what went wrong.
NINJA_QUIET := $(shell test -t 2 || echo --quiet)

.DEFAULT_GOAL := help
.PHONY: help setup build test demo fmt lint clang asan tsan fuzz bench install package clean

help: ## List the targets
	@echo "obsctl proves that alerts work. Start with:  make demo"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

setup: ## Install the missing packages (Debian, Ubuntu), or say what is missing
	@.ci/setup build run

build: setup ## Build build/obsctl and the tests
	@$(MAKE) -s --no-print-directory build/build.ninja
	@ninja -C build -j $(JOBS) $(NINJA_QUIET)

build/build.ninja: CMakePresets.json
	@echo "configuring; the first build takes a few minutes"
	@cmake --preset release >/dev/null
	@touch $@

build/%/build.ninja: CMakePresets.json
	@cmake --preset $* >/dev/null
	@touch $@

test: build ## Build and run every test
	@ctest --test-dir build -j $(JOBS) --output-on-failure

demo: build ## Prove one real alert end to end: load, fault, alert, notification, recovery
	@build/obsctl scenario run $(SCENARIO) --time-scale 0.2

fmt: ## Format the C++ sources in place
	@.ci/setup check
	@.ci/lint --fix

lint: ## Check format and run clang-tidy on what changed since it last passed
	@.ci/setup build run check
	@$(MAKE) -s --no-print-directory build/build.ninja
	@ninja -C build --quiet build.ninja
	@.ci/lint -j $(JOBS)

# Builds one of the other presets of CMakePresets.json, in a folder of its own.
define checked_build
	@$(MAKE) -s --no-print-directory build/$(1)/build.ninja
	@ninja -C build/$(1) -j $(JOBS) $(NINJA_QUIET)
endef

clang: setup ## Build with clang, the second compiler, and run every test
	@.ci/setup check
	$(call checked_build,clang)
	@ctest --test-dir build/clang -j $(JOBS) --output-on-failure

asan: setup ## Run every test under AddressSanitizer and UBSan
	$(call checked_build,asan)
	@ctest --test-dir build/asan -j $(JOBS) --output-on-failure

tsan: setup ## Run every test under ThreadSanitizer
	$(call checked_build,tsan)
	@ctest --test-dir build/tsan -j $(JOBS) --output-on-failure

fuzz: setup ## Fuzz every parser of outside bytes for FUZZ_SECONDS each (30)
	@.ci/setup check
	$(call checked_build,fuzz)
	@tests/fuzz/run build/fuzz $(FUZZ_SECONDS)

bench: setup ## Measure the load engine against other tools
	$(call checked_build,bench)
	@tests/bench/run build/bench

install: build ## Install below PREFIX (/usr/local)
	@cmake --install build --prefix $(PREFIX)

package: build ## Make a Debian package, build/obsctl_*.deb
	@.ci/setup package
	@cd build && cpack --config CPackConfig.cmake -B . >/dev/null && ls obsctl_*.deb

clean: ## Remove everything that was built
	@rm -rf build
