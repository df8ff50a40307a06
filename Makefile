# Halfspace: every rule wraps `swift`; plain `swift build` and `swift test` work as well.
#
#   make demo      train on the embedded digits and show the accuracy on held-out rows
#   make test      run all tests
#   make build     debug build
#   make release   optimized build; the program is $(swift build -c release --show-bin-path)/halfspace
#   make bench     benchmarks, written to Benchmarks/Results (QUICK=1: a first look)
#   make bench-theory  the claims of the theory, measured (QUICK=1: a first look)
#   make bench-peers  the same lookups and tables by others (Python, installed under .build)
#   make bench-mpi    scaling over processes; needs Open MPI, installed when missing
#   make test-mpi     the program in one to four processes, byte by byte; installs as bench-mpi
#   make lint      check the formatting        make format    repair it
#   make fuzz      100,000 mutated files through every reader (FILES=N SEED=N)
#   make asan      tests under AddressSanitizer
#   make asan-fuzz  9,000 mutated files through readers under AddressSanitizer
#   make tsan      tests under ThreadSanitizer
#   make coverage  tests with line coverage of Swift and C
#   make docs      the documentation as a website under .build/docs
#   make deps      check for Swift, OpenBLAS, LAPACKE and zlib; install the libraries when missing
#   make clean     remove everything built
#
# demo, test, build, release, bench, fuzz, asan, asan-fuzz, tsan and coverage start with deps.

.PHONY: help demo test build release bench bench-theory bench-peers bench-mpi test-mpi mpi fuzz docs lint format asan asan-fuzz tsan coverage deps libraries clean
.NOTPARALLEL:

PACKAGES := libopenblas-dev liblapacke-dev zlib1g-dev
SOURCES := Package.swift Sources Tests Benchmarks
RELEASE := swift build -c release
TEST := swift test --disable-xctest

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

demo: deps
	@$(RELEASE) --product halfspace
	@"$$($(RELEASE) --show-bin-path)/halfspace" demo

test: deps
	$(TEST)

build: deps
	swift build

release: deps
	$(RELEASE)

# Tables that do not come with the package are used when HALFSPACE_DATA names their folder.
BENCHMARK = OPENBLAS_NUM_THREADS=1 $(if $(QUICK),QUICK=$(QUICK)) "$$($(RELEASE) --show-bin-path)

bench: deps
	@$(RELEASE) --product NeuronLookup
	@$(BENCHMARK)/NeuronLookup" Benchmarks/Results
	@$(RELEASE) --product GridGrowth
	@$(BENCHMARK)/GridGrowth" Benchmarks/Results
	@$(RELEASE) --product TrainingStep
	@$(BENCHMARK)/TrainingStep" Benchmarks/Results
	@$(RELEASE) --product TimeToAccuracy
	@$(BENCHMARK)/TimeToAccuracy" Benchmarks/Results

bench-theory: deps
	@$(RELEASE) --product Convergence
	@$(BENCHMARK)/Convergence" Benchmarks/Results

# Packages that cannot be installed are left out of the tables.
PEERS := .build/peers
EXCHANGE := .build/training-peers
# PyTorch without what graphics cards need, a tenth of the size; from the common index otherwise.
TORCH := https://download.pytorch.org/whl/cpu
DATA ?= $(HALFSPACE_DATA)
bench-peers: deps
	@$(RELEASE) --product NeuronLookup
	@[ -x $(PEERS)/bin/python ] || python3 -m venv $(PEERS)
	@for package in numpy scikit-learn faiss-cpu torch; do \
	  $(PEERS)/bin/python -c "import importlib.util as u, sys; \
	    sys.exit(u.find_spec('$$package'.replace('scikit-learn', 'sklearn') \
	      .replace('faiss-cpu', 'faiss')) is None)" 2>/dev/null \
	    || { [ $$package = torch ] && $(PEERS)/bin/pip install --quiet --no-deps -i $(TORCH) torch \
      && $(PEERS)/bin/pip install --quiet filelock fsspec jinja2 networkx setuptools sympy typing-extensions; } \
    || $(PEERS)/bin/pip install --quiet $$package \
	    || echo "$$package cannot be installed, going on without it" >&2; \
	done
	@OPENBLAS_NUM_THREADS=1 "$$($(RELEASE) --show-bin-path)/NeuronLookup" \
	  --export .build/lookup-peers
	@OMP_NUM_THREADS=1 $(PEERS)/bin/python Benchmarks/Peers/lookup_peers.py .build/lookup-peers \
	  Benchmarks/Results/lookup-peers.md
	@$(PEERS)/bin/python Benchmarks/Peers/step_peers.py Benchmarks/Results/training-step.json \
	  Benchmarks/Results/step-peers.md || echo "going on without a step of PyTorch" >&2
	@$(RELEASE) --product TimeToAccuracy
	@echo "Rows for the others, then their curves, then all together"
	@HALFSPACE_DATA="$(DATA)" OPENBLAS_NUM_THREADS=1 QUICK=1 \
	  "$$($(RELEASE) --show-bin-path)/TimeToAccuracy" $(EXCHANGE)/quick $(EXCHANGE) >/dev/null
	@env -u OPENBLAS_CORETYPE $(PEERS)/bin/python Benchmarks/Peers/training_peers.py $(EXCHANGE)
	@HALFSPACE_DATA="$(DATA)" $(BENCHMARK)/TimeToAccuracy" Benchmarks/Results $(EXCHANGE)

# A folder of its own: a trait changes how everything is built.
MPI := $(RELEASE) --traits MPI --scratch-path .build/mpi
bench-mpi: mpi
	@$(MPI) --product Scaling
	@OPENBLAS_NUM_THREADS=1 $(if $(QUICK),QUICK=$(QUICK)) "$$($(MPI) --show-bin-path)/Scaling" \
	  Benchmarks/Results

test-mpi: mpi
	@$(MPI) --product halfspace
	@Tests/MPI/ranks.sh "$$($(MPI) --show-bin-path)/halfspace"

fuzz: deps
	@$(RELEASE) --product ReaderFuzz
	@"$$($(RELEASE) --show-bin-path)/ReaderFuzz" $(or $(FILES),100000) $(SEED)

# A scratch folder of its own: with the plugin the package resolves anew.
docs: deps
	@mkdir -p .build/docs
	HALFSPACE_DOCS=1 swift package --scratch-path .build/documentation \
	  --allow-writing-to-directory .build/docs generate-documentation --target Halfspace \
	  --warnings-as-errors --output-path .build/docs

lint:
	swift format lint --strict --recursive $(SOURCES)

format:
	swift format --in-place --recursive $(SOURCES)

# Sanitized builds differ in every object: folders of their own keep the others valid.
SANITIZED := LSAN_OPTIONS="suppressions=$(CURDIR)/Tests/Sanitizers/leaks.txt:print_suppressions=0"
ASAN := --sanitize=address --scratch-path .build/asan
asan: deps
	$(SANITIZED) $(TEST) $(ASAN) --skip LongRunMemoryTests  # the sanitizer's own memory grows

# The readers only, which takes a minute or two.
asan-fuzz: deps
	@swift build $(ASAN) --product ReaderFuzz
	@$(SANITIZED) "$$(swift build $(ASAN) --show-bin-path)/ReaderFuzz" $(or $(FILES),9000) $(SEED)

# Left out: a test that forbids files, which the sanitizer needs, and one of memory, of which the sanitizer
# takes more and more.
tsan: deps
	$(TEST) --sanitize=thread --scratch-path .build/tsan \
	  --skip "for which there is no room" --skip LongRunMemoryTests

COVERAGE := .build/coverage/debug
LLVM = "$$(dirname "$$(readlink -f "$$(command -v swift)")")"
# Not by `swift test`, which stumbles over the profiles that programs killed by tests leave unwritten.
coverage: deps
	@swift build --build-tests --enable-code-coverage --scratch-path .build/coverage \
	  -Xcc -fprofile-instr-generate -Xcc -fcoverage-mapping
	@rm -rf $(COVERAGE)/codecov && mkdir $(COVERAGE)/codecov
	@LLVM_PROFILE_FILE=$(CURDIR)/$(COVERAGE)/codecov/%p.profraw \
	  $(COVERAGE)/halfspacePackageTests.xctest --testing-library swift-testing
	@PATH=$(LLVM):"$$PATH"; \
	llvm-profdata merge -sparse --failure-mode=all -o $(COVERAGE)/all.profdata \
	  $(COVERAGE)/codecov/*.profraw 2>/dev/null && \
	llvm-cov report $(COVERAGE)/halfspacePackageTests.xctest \
	  -instr-profile=$(COVERAGE)/all.profdata \
	  --ignore-filename-regex='(\.build|Tests|_HalfspaceTestSupport)/'

# The compiler's word counts, not a list of packages: headers found, libraries linked.
HAVE_LIBRARIES = probe="$$(mktemp)"; \
	echo 'int main(void) { return 0; }' | "$$(command -v clang || command -v cc)" -x c - \
	  -include cblas.h -include lapacke.h -include zlib.h -lopenblas -llapacke -lz -o "$$probe" 2>/dev/null; \
	status=$$?; rm -f "$$probe"; exit $$status

deps:
	@command -v swift >/dev/null || { \
	  echo "Swift is missing: install 6.2 or later, see https://www.swift.org/install/linux" >&2; \
	  exit 1; }
	@( $(HAVE_LIBRARIES) ) || $(MAKE) --no-print-directory libraries

AS_ROOT = $$([ "$$(id -u)" -eq 0 ] || echo sudo -n)
libraries:
	@{ command -v apt-get && $(AS_ROOT) true; } >/dev/null 2>&1 || { \
	  echo "OpenBLAS, LAPACKE or zlib are missing. On Debian and Ubuntu, as an administrator:" >&2; \
	  echo "  apt-get update && apt-get install $(PACKAGES)" >&2; \
	  exit 1; }
	@echo "Installing $(PACKAGES)"
	@$(AS_ROOT) apt-get update -qq || true
	@$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	  --no-install-recommends -o DPkg::Lock::Timeout=120 $(PACKAGES) >/dev/null
	@( $(HAVE_LIBRARIES) ) || { \
	  echo "$(PACKAGES) are installed, but a C program does not link with them" >&2; \
	  exit 1; }

HAVE_MPI = command -v mpirun >/dev/null && command -v pkg-config >/dev/null && \
	pkg-config --exists mpi-c
MPI_PACKAGES := libopenmpi-dev openmpi-bin pkg-config
mpi: deps
	@{ $(HAVE_MPI); } || { \
	  { command -v apt-get && $(AS_ROOT) true; } >/dev/null 2>&1 || { \
	    echo "Open MPI is missing. As an administrator: apt-get install $(MPI_PACKAGES)" >&2; \
	    exit 1; }; \
	  echo "Installing $(MPI_PACKAGES)"; \
	  $(AS_ROOT) apt-get update -qq || true; \
	  $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends -o DPkg::Lock::Timeout=120 $(MPI_PACKAGES) >/dev/null; \
	  { $(HAVE_MPI); } || { echo "$(MPI_PACKAGES) are installed, but mpirun is not there" >&2; \
	    exit 1; }; }

clean:
	rm -rf .build
