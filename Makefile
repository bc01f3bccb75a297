# What people do with this project. Every target is a script that can be read in Scripts/.
.PHONY: static quickstart test check bench build install examples torture clean help

help:                 ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

quickstart:           ## Install what is missing, build, and train a population on real images
	@Scripts/quickstart

test:                 ## Install what the tests need, and run them all
	@Scripts/test

check:                ## Formatting, warnings, documentation links, Python lint and types
	@Scripts/check

bench:                ## Measure against peers' floor, bare SQLite and ourselves (Documentation/performance.md)
	@Scripts/bench

torture:              ## Kill processes, let the disk fail, cut the power, at random moments: Scripts/torture*, each with --help
	@Scripts/torture
	@Scripts/torture --persistent
	@Scripts/torture-server
	@Scripts/torture-disk
	@Scripts/torture-disk --server
	@Scripts/torture-power || [ $$? -eq 77 ]

build:                ## Build the release pbt into .build/release/pbt
	@Scripts/install-dependencies build
	@Scripts/build-release

install: build        ## Copy pbt to PREFIX/bin (default /usr/local)
	@install -d $(or $(PREFIX),/usr/local)/bin
	@install -m 755 .build/release/pbt $(or $(PREFIX),/usr/local)/bin/pbt

static:               ## Build pbt for machines without Swift into .build-static/release/pbt
	@Scripts/static

examples:             ## Run every example in its short form
	@Scripts/examples

clean:                ## Delete everything that was built
	@rm -rf .build .build-*
