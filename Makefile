# What a person would guess. `make help` lists it.
.DEFAULT_GOAL := build
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
MESON_FLAGS ?=

# Sets up what is missing, then configures; both take under a second when nothing is to be done.
define configure
	@tools/setup $(2)
	@tools/configure $(1) $(3)
endef

.PHONY: build
build: ## the library and the command, into build/
	$(call configure,$(BUILD),,$(MESON_FLAGS))
	@ninja -C $(BUILD)

.PHONY: demo
demo: ## set up, build, and run the main job on real plugins
	$(call configure,$(BUILD),--with guests,$(MESON_FLAGS))
	@ninja -C $(BUILD)
	@tools/demo $(BUILD)

.PHONY: check
check: ## set up, build, and run every test
	@tools/check

.PHONY: check-quick
check-quick: ## the tests without sanitizers
	@tools/check --quick

.PHONY: fuzz
fuzz: ## fuzz each target of tests/fuzz for FUZZ_SECONDS (60)
	@tools/setup --with fuzz
	@tools/fuzz

.PHONY: bench
bench: ## measure beside the peers; writes bench/results/ and docs/performance.md
	$(call configure,$(BUILD),--with all,$(MESON_FLAGS))
	@ninja -C $(BUILD) --quiet bench-programs
	@bench/compare --json bench/results/$$(date +%Y-%m-%d).json all
	@bench/report bench/results/$$(date +%Y-%m-%d).json

.PHONY: torture
torture: ## hostile plugins against us and the peers; writes bench/results/ and docs/security.md
	$(call configure,$(BUILD),,$(MESON_FLAGS))
	@ninja -C $(BUILD) --quiet bench-programs
	@bench/torture --build $(BUILD) --json bench/results/torture-$$(date -u +%Y-%m-%d).json \
		--page docs/security.md >/dev/null

.PHONY: install
install: build ## into DESTDIR and PREFIX
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet
	@echo "installed into $(DESTDIR)$(PREFIX)"

.PHONY: format
format: ## clang-format over all C
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

.PHONY: clean
clean: ## the build folders; the cache in the home folder and what fuzzing has found stay
	@rm -rf build build-asan build-tsan build-fuzz

.PHONY: help
help: ## this
	@sed -n 's/^\([a-z-]*\): .*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22
