# `make run` and `make test` are all a fresh machine needs: they install what is missing.
PACKAGES = libopenblas-openmp-dev liblapacke-dev libfftw3-dev libdnnl-dev libsuitesparse-dev libzip-dev zlib1g-dev pkg-config python3-venv
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PYTHON ?= python3
PEERS ?= ../shared/peers
# Real data that some tests read; those say that they were skipped where it is missing.
export KIRCHHOFF_DATA ?= $(wildcard $(CURDIR)/../shared/data)

.PHONY: run test setup lint format sanitize bench peers clean

run: setup
	swift build -c release --product kirchhoff
	.build/release/kirchhoff train --output out

# One flavour for program and tests; long numerical tests want optimised code.
test: setup
	swift build -c release --build-tests
	swift test -c release --skip-build

setup:
	@missing=""; for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing; fi
	@[ -x .venv/bin/python ] && .venv/bin/python -c 'import numpy, safetensors' 2>/dev/null || \
	{ $(PYTHON) -m venv .venv && .venv/bin/pip install -q --disable-pip-version-check numpy safetensors; } || \
	echo "numpy and safetensors could not be installed: the tests that need them will say so"

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks Package.swift

format:
	swift format --in-place --recursive Sources Tests Benchmarks Package.swift

# Leaks are tested by the resident memory of 100,000 steps: LeakSanitizer does not see pointers that Swift keeps in enums.
# The OpenMP runtime carries no annotations for the thread sanitizer, so BLAS and oneDNN get one thread there.
sanitize: setup
	ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build-address
	OMP_NUM_THREADS=1 swift test --sanitize=thread --scratch-path .build-thread

# Ours and the peers' alternately. `make peers` installs them (some gigabytes); any other interpreter that has them can be
# named by PEER_PYTHON. BENCH passes options on, such as BENCH="--works chain --threads 2".
PEER_PYTHON ?= $(if $(wildcard .venv-peers/bin/python),$(CURDIR)/.venv-peers/bin/python,$(PYTHON))
bench: setup
	cd Benchmarks && swift build -c release --scratch-path ../.build-bench
	$(PYTHON) Benchmarks/bench.py --python $(PEER_PYTHON) --peers $(PEERS) $(BENCH)

peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install -q --disable-pip-version-check -r Benchmarks/peers/requirements.txt

clean:
	rm -rf .build .build-address .build-thread .build-bench .venv .venv-peers out
