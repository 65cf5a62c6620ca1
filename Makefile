# `make run` and `make test` are all a fresh machine needs: they install what is missing.
PACKAGES = libopenblas-openmp-dev liblapacke-dev $(FFT_PACKAGE_$(FFT)) libdnnl-dev libsuitesparse-dev libzip-dev zlib1g-dev \
  libsqlite3-dev libpng-dev libturbojpeg0-dev libhdf5-dev libssl-dev libmicrohttpd-dev pkg-config gnuplot-nox
# What only tests use: a cluster on this machine, message passing, a browser.
TEST_PACKAGES = python3-venv slurmctld slurmd slurm-client munge openmpi-bin chromium chromium-driver
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PYTHON ?= python3
PEERS ?= ../shared/peers
# Real data that some tests read; those say that they were skipped where it is missing.
export KIRCHHOFF_DATA ?= $(wildcard $(CURDIR)/../shared/data)

# Which library does Fourier transforms: `make … FFT=kissfft` builds without FFTW, in a folder of its own (docs/licences.md).
ifndef FFT
FFT := $(or $(KIRCHHOFF_FFT),fftw)
endif
FFT_PACKAGE_fftw = libfftw3-dev
FFT_PACKAGE_kissfft = libkissfft-dev
$(if $(FFT_PACKAGE_$(FFT)),,$(error FFT is $(FFT): set it to fftw or kissfft, or leave it out))
export KIRCHHOFF_FFT := $(FFT)
BUILD = $(if $(filter kissfft,$(FFT)),.build-kissfft,.build)
SWIFT_BUILD = swift build -c release --scratch-path $(BUILD)
SWIFT_TEST = swift test -c release --scratch-path $(BUILD) --skip-build

.PHONY: run test test-studies build-tests outside setup setup-tests lint format sanitize bench peers docs proto clean

# A terminal shows the progress of a command in a line or two; a log gets only its warnings, and all where it fails.
quietly = if [ -t 1 ]; then $(1); else log=$$(mktemp); \
	if $(1) >$$log 2>&1; then grep 'warning:' $$log; rm -f $$log; else cat $$log; rm -f $$log; exit 1; fi; fi

run: setup
	@echo "building kirchhoff; the first time takes some minutes"
	@$(call quietly,$(SWIFT_BUILD) --product kirchhoff)
	@$(BUILD)/release/kirchhoff deploy Examples/digits.onnx --data Examples/digits.npz --substrate analog --output out
	@$(BUILD)/release/kirchhoff plot last --chart 1 --output out/overview.png

# These go first, in a process of their own: tests of damaged HDF5 files start thousands of processes, which takes long from a
# process that has grown; tests of additions change the lists of devices, mappings, components and systems, which others read.
APART = "DatasetsTests|OutsideTests"

# Threads that wait sleep: tests run side by side, and those that spin would take the cores from the others.
TESTS = OMP_WAIT_POLICY=passive $(SWIFT_TEST)

# Suites whose type ends in Studies train networks or run many channels.
test: build-tests
	$(TESTS) --filter $(APART) --skip "Studies/"
	$(TESTS) --skip $(APART) --skip "Studies/"

test-studies: build-tests outside
	$(TESTS) --filter "Studies/"

# One flavour for program and tests; long numerical tests want optimised code. The products are named because
# `--build-tests` would also build what dependencies have and we do not use, protoc among it.
build-tests: setup-tests
	$(SWIFT_BUILD) --product kirchhoff
	$(SWIFT_BUILD) --product kirchhoffPackageTests

# The package of docs/extending.md as a user has it: in a folder elsewhere, built from nothing.
OUTSIDE ?= $(or $(TMPDIR),/tmp)/kirchhoff-outside
outside: setup
	rm -rf $(OUTSIDE)
	cp -r Examples/Outside $(OUTSIDE)
	sed -i 's|path: "../.."|path: "$(CURDIR)"|' $(OUTSIDE)/Package.swift
	cd $(OUTSIDE) && swift build -c release
	cp Examples/digits.onnx Examples/digits.npz $(OUTSIDE)
	cd $(OUTSIDE) && .build/release/outside run hopfield --substrate analog --set substrate.device.kind=tunnel-gap
	cd $(OUTSIDE) && .build/release/outside deploy digits.onnx --data digits.npz --substrate analog --set substrate.device.kind=tunnel-gap
	rm -rf $(OUTSIDE)

install = missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

setup:
	@$(call install,$(PACKAGES))

# Tests that need one of these say that they were skipped where it cannot be installed.
setup-tests: setup
	@($(call install,$(TEST_PACKAGES))) || echo "not all of $(TEST_PACKAGES) could be installed: tests that need them are skipped"
	@[ -x .venv/bin/python ] && .venv/bin/python -c 'import numpy, onnx, safetensors, selenium' 2>/dev/null || \
	{ $(PYTHON) -m venv .venv && .venv/bin/pip install -q --disable-pip-version-check numpy onnx safetensors selenium; } || \
	echo "numpy, onnx, safetensors and selenium could not be installed: the tests that need them will say so"

lint:
	swift format lint --strict --recursive Sources Systems Plugins Tests Benchmarks Examples Package.swift

format:
	swift format --in-place --recursive Sources Systems Plugins Tests Benchmarks Examples Package.swift

# Leaks are tested by the resident memory of 100,000 steps: LeakSanitizer does not see pointers that Swift keeps in enums.
# The OpenMP runtime carries no annotations for the thread sanitizer, so BLAS and oneDNN get one thread there.
sanitize: setup-tests
	ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build-address
	OMP_NUM_THREADS=1 swift test --sanitize=thread --scratch-path .build-thread

# Ours and the peers' alternately. `make peers` installs them (some gigabytes); any other interpreter that has them can be
# named by PEER_PYTHON. BENCH passes options on, such as BENCH="--works chain --threads 2".
PEER_PYTHON ?= $(if $(wildcard .venv-peers/bin/python),$(CURDIR)/.venv-peers/bin/python,$(PYTHON))
bench: setup
	cd Benchmarks && swift build -c release --scratch-path ../$(BUILD)-bench
	$(PYTHON) Benchmarks/bench.py --python $(PEER_PYTHON) --peers $(PEERS) \
	  --binary $(BUILD)-bench/release/Bench $(BENCH)

peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install -q --disable-pip-version-check -r Benchmarks/peers/requirements.txt

# The site of the documentation, in .build/docs/site; warnings are errors.
docs:
	$(PYTHON) docs/make_site.py .build/docs/Kirchhoff.docc
	$$(dirname $$(readlink -f $$(command -v swift)))/docc convert .build/docs/Kirchhoff.docc --output-dir .build/docs/site --warnings-as-errors

# Swift code for ONNX files, from Sources/Networks/ONNX/onnx.proto. Needs protoc and protoc-gen-swift (swift-protobuf).
proto:
	cd Sources/Networks/ONNX && protoc --swift_out=. onnx.proto

clean:
	rm -rf .build .build-address .build-thread .build-bench .build-kissfft .build-kissfft-bench .venv .venv-peers out
