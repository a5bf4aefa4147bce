# What a person types. Each target is one or two commands that also work alone; checks live in xtask.

CARGO ?= cargo
RULES ?= rules/k8srd_rules.yaml

.PHONY: help demo run doctor test check kernel-matrix fuzz fmt bench bpf

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 15

demo: ## act out four attacks on this machine and show the alerts (root)
	@if [ "$$(id -u)" -ne 0 ]; then \
		echo "make demo: loading eBPF programs needs root: sudo env PATH=\"\$$PATH\" make demo" >&2; exit 1; fi
	$(CARGO) build --release --locked --package k8srd
	"$${CARGO_TARGET_DIR:-target}/release/k8srd" demo

run: ## watch this machine with the shipped rules until Ctrl-C (root)
	$(CARGO) build --release --locked --package k8srd
	"$${CARGO_TARGET_DIR:-target}/release/k8srd" run -r $(RULES)

doctor: ## say what of this machine k8srd can use
	$(CARGO) build --release --locked --package k8srd
	"$${CARGO_TARGET_DIR:-target}/release/k8srd" doctor

test: ## install what the tests need (root), build, run all tests
	scripts/install-test-deps.sh
	$(CARGO) test --locked --no-fail-fast

check: ## what CI checks besides the tests: format, lints, docs, tidy, shipped objects
	$(CARGO) xtask ci

kernel-matrix: ## the sensor's tests on Linux 5.10, 6.1, 6.12 and the newest, in QEMU; KERNELS="6.1 …" for others
	scripts/install-test-deps.sh
	$(CARGO) xtask kernel-matrix $(KERNELS)

fuzz: ## fuzz each target for ten minutes; SECONDS=n for another time
	$(CARGO) xtask fuzz --seconds $(or $(SECONDS),600)

fmt: ## format all code
	$(CARGO) fmt --all

bench: ## benchmarks of the pipeline, of replay and of loading; the live one is in benches/README.md
	$(CARGO) bench --package k8srd-benches

bpf: ## rebuild the shipped eBPF objects from source
	$(CARGO) xtask bpf
