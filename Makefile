# The commands of a developer's day. `make check` is what to run before a commit.

.PHONY: check modules test race generate bench bench-peers fuzz crash mutate oracle flip history evidence ci

check: generate ## formatting, vet, generated files, tests
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	go vet ./...
	go run ./cmd/dagstergen check ./...
	go test ./...
	$(MAKE) modules

modules: ## the modules of their own: codec=parquet and codec=protobuf, and what they are shown with
	cd parquet && go vet ./... && go test ./...
	cd parquet/examples && go vet ./... && go tool dagstergen check ./... && go test ./...
	cd protobuf && go vet ./... && go test ./...
	cd protobuf/examples && go vet ./... && go tool dagstergen check ./... && go test ./...

test:
	go test ./...

race:
	go test -race ./...

generate: ## writes dag_gen.go, dag_gen.manifest and dag_proof_gen.go of the packages that have directives
	go generate ./...
	cd parquet/examples && go generate ./...
	cd protobuf/examples && go generate ./...

bench: ## the figures of docs/benchmarks.md
	go test -run '^$$' -bench . -benchmem ./...

PEERS ?=
bench-peers: ## the same work on dagstergen, Dagster, redun, Prefect, joblib and their floors, side by side; needs python3 and PyPI. PEERS=-quick for small sizes
	go build -o "$${TMPDIR:-/tmp}/dagstergen-bench-peers" ./bench/peers
	"$${TMPDIR:-/tmp}/dagstergen-bench-peers" -page docs/benchmarks.md -json docs/benchmarks.json $(PEERS)

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	./.ci/fuzz $(FUZZTIME)

SEED ?= 1
crash: ## the campaigns of docs/recovery.md at length: 500 kills and 100 power cuts for each of three seeds, every system call, byte faults, crowds, gc, backfills, failpoints, seeded bugs
	for seed in $(SEED) $$(($(SEED) + 1)) $$(($(SEED) + 2)); do \
		go test ./internal/crash -skip SystemCalls -count=1 -timeout 180m -v -args -kills 500 -cuts 100 -partitions 2000 -seed $$seed || exit 1; \
	done
	go test ./internal/crash -run SystemCalls -count=1 -timeout 600m -v -args -strikes 0
	go test -tags crashmutant ./internal/crash -run 'Failpoints|Mutants' -count=1 -timeout 120m -v -args -seed $(SEED)

EDITS ?= 600
mutate: ## random edits of four real projects of over 50 packages: whatever depends on them gets another version, and nothing else does
	go run ./internal/oracle/cmd/oracle mutate -seed $(SEED) -edits $(EDITS)
	go run ./internal/oracle/cmd/oracle neutral -seed $(SEED)

oracle: ## the tests of real projects, one by one under coverage: what runs is in the closure of the test
	go run ./internal/oracle/cmd/oracle cover chi containerregistry bleve go-git

flip: ## random edits of a real project, and its tests before and after: one that ends in another way has another version
	go run ./internal/oracle/cmd/oracle flip -seed $(SEED) -edits $(EDITS) chi

history: ## ten releases of a real module: how many functions keep their version
	go run ./internal/oracle/cmd/oracle history -last 10 tools

evidence: ## all these campaigns, at length; each writes its section of docs/evidence.md
	go build -o "$${TMPDIR:-/tmp}/oracle" ./internal/oracle/cmd/oracle
	"$${TMPDIR:-/tmp}/oracle" neutral -seed $(SEED) -page docs/evidence.md
	"$${TMPDIR:-/tmp}/oracle" mutate -seed $(SEED) -edits $(EDITS) -page docs/evidence.md
	"$${TMPDIR:-/tmp}/oracle" flip -seed $(SEED) -edits 200 -page docs/evidence.md chi
	"$${TMPDIR:-/tmp}/oracle" history -last 10 -page docs/evidence.md tools
	"$${TMPDIR:-/tmp}/oracle" cover -page docs/evidence.md chi containerregistry bleve go-git

ci:
	./.ci/run
