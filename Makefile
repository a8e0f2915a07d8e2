# make test is all that a change has to pass on a developer's machine;
# .ci/run does the same on a clean one.
GO ?= go
APT = $(shell cat control/testdata/apt-packages.txt 2>/dev/null | grep -v '^\#')
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 10s

.PHONY: build test test-deps lint generate eval bench load fuzz golden clean

build: ## the binary, into ./tiercel
	$(GO) build -trimpath -o tiercel ./cmd/tiercel

test: test-deps ## all tests, with the race detector
	$(GO) test -race ./...
	$(GO) test ./audit
	$(MAKE) --no-print-directory eval

# The tools that check our commands and configurations are Debian packages.
# Where they cannot be installed, the tests that need them skip and say so.
test-deps:
	@tools/test-deps $(APT)

lint: ## gofmt, vet, golangci-lint (with the rules that keep the core pure)
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "not gofmt-ed"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI) run ./...

generate: ## compile knowledge/data, after a change there
	$(GO) generate ./...

eval: ## verdicts against the truth of the recorded alerts, audits against labelled reports
	@$(GO) run ./tools/eval
	@echo "the same with users, uids, hosts and paths swapped:"
	@$(GO) run ./tools/eval -renamed
	@echo "alerts made up to mislead:"
	@$(GO) run ./tools/eval -corpus testdata/variants -aims=false
	@echo "audits of labelled reports:"
	@$(GO) run ./tools/eval audit -aims testdata/audit/dev
	@echo "reports that nothing was learnt from (testdata/audit/README.md):"
	@$(GO) run ./tools/eval audit -aims testdata/audit/heldout

bench: ## speed: benchmarks, then whole runs over a million lines
	$(GO) test -run '^$$' -bench . -benchmem ./alert ./condition ./analysis ./incident ./pipeline ./audit/render
	tools/bench

load: ## alerts a second that serve takes, and that it kept them: LOAD="-c 50 -d 10s -bulk 1"
	@tools/load/run $(LOAD)

fuzz: ## every fuzz test for FUZZTIME
	@tools/fuzz $(FUZZTIME)

golden: ## rewrite the golden files; look at the difference before you commit it
	$(GO) test ./report/render ./audit/render ./cmd/tiercel -update

clean:
	rm -f tiercel
