# Development tasks. Every target is a script that can be read in Scripts/. Durations: 2 cores, the first time.
.PHONY: static quickstart test test-fast format check bench search-bench build install examples torture clean help

help:                 ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

quickstart:           ## Install missing packages, build, and train a population on real text (20 min)
	@Scripts/quickstart

test-fast:            ## Run the tests of the pure targets, which need no files, processes or sockets (1 min; the build before it 10 min)
	@Scripts/test-fast

test:                 ## Install the packages that the tests need, and run all tests (20 min)
	@Scripts/test

format:               ## Format the Swift sources, and sort the imports of the Python sources (10 s)
	@Scripts/format

check:                ## Check formatting, links, Python, words, versions, architecture and warnings (5 min; the build before it 10 min)
	@Scripts/check

bench:                ## Measure against bare SQLite and against goals, see Documentation/performance.md
	@Scripts/bench

search-bench:         ## Compare searches, also with Ray Tune and Syne Tune, see Documentation/search-bench.md (hours)
	@Scripts/search-bench

torture:              ## Kill processes, inject I/O errors and cut the power at random, see Scripts/torture* --help
	@Scripts/torture
	@Scripts/torture --persistent
	@Scripts/torture-server
	@Scripts/torture-disk
	@Scripts/torture-disk --server
	@Scripts/torture-power || [ $$? -eq 77 ]

build:                ## Build the release pbt into .build/release/pbt (10 min)
	@Scripts/install-dependencies build
	@Scripts/build-release

install: build        ## Copy pbt to PREFIX/bin (default: /usr/local)
	@install -d $(or $(PREFIX),/usr/local)/bin
	@install -m 755 .build/release/pbt $(or $(PREFIX),/usr/local)/bin/pbt

static:               ## Build pbt for machines without Swift into .build-static/release/pbt (15 min)
	@Scripts/static

examples:             ## Run every example
	@Scripts/examples

clean:                ## Delete all build products
	@rm -rf .build .build-*
