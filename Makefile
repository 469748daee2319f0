# Two targets are the promise of the README: demo and test.
GO ?= go

.PHONY: demo build test race lint fuzz bench probe-score check

demo: ## the gateway before a sample API, with lines to paste
	$(GO) run ./cmd/durward demo

build: ## bin/durward
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/durward ./cmd/durward

test: ## build, vet, and all tests, end-to-end scripts included
	$(GO) build ./...
	$(GO) vet ./...
	$(GO) test ./...

race: ## the concurrent packages under the race detector
	CGO_ENABLED=1 $(GO) test -race ./address ./audit/... ./authn/... ./gateway ./inventory ./listen ./lockout ./observe ./pipeline ./probe ./probe/client ./probe/identity ./probe/schedule ./probe/world ./proxy/... ./ratelimit ./replay ./revision ./store ./token

lint: ## gofmt and staticcheck
	test -z "$$(gofmt -l .)"
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

fuzz: ## every fuzz target for a few seconds
	./internal/fuzz.sh

bench: ## whole processes beside their peers; writes bench/results.json
	$(GO) run ./bench

probe-score: ## durward probe against services with planted flaws, and their twins
	$(GO) run ./probe/score

check: test race lint fuzz ## what CI runs
