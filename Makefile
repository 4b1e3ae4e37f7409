# One Pulumi program, one local region to run it on. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STACK ?= local
CACHE := $(or $(KUBEADM_AWS_CACHE),/var/cache/kubeadm-aws)
VENV := $(CACHE)/venv-$(shell cat requirements-dev.txt | sha256sum | cut -c1-16)
PYTHON := $(VENV)/bin/python
REGION := $(PYTHON) -m region

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ A cluster on the local region
.PHONY: up down status plan kubectl ssh etcd-health drain replace reset promote releases print-region
up: $(VENV)/complete ## A working cluster (STACK=local)
	@$(REGION) up --stack $(STACK)

down: $(VENV)/complete ## Destroy the cluster, then remove the region
	@$(REGION) down

status: $(VENV)/complete ## Hosts, balancers and their targets, API, mirror
	@$(REGION) status

plan: $(VENV)/complete ## What make up would change, in words (STACK=local)
	@$(REGION) exec -- python -m operate plan --stack $(STACK)

kubectl: $(VENV)/complete ## kubectl through the bastion: make kubectl ARGS="get nodes"
	@$(REGION) exec -- python -m operate kubectl --stack $(STACK) -- $(ARGS)

ssh: $(VENV)/complete ## A shell through the bastion: make ssh HOST=master-0
	@$(REGION) exec -- python -m operate ssh --stack $(STACK) $(HOST) $(ARGS)

etcd-health: $(VENV)/complete ## Is etcd healthy? Asked from any master or etcd machine: HOST=etcd-0
	@$(REGION) exec -- python -m operate etcd-health --stack $(STACK) $(HOST)

drain: $(VENV)/complete ## Take a worker out of service: NAME=worker-0, and back with ARGS=--undo
	@$(REGION) exec -- python -m operate drain --stack $(STACK) $(NAME) $(ARGS)

replace: $(VENV)/complete ## End a machine in good order and make another in its place: NAME=master-0
	@$(REGION) exec -- python -m operate replace --stack $(STACK) --yes $(NAME) $(ARGS)

reset: $(VENV)/complete ## Wipe the cluster from its machines (asks; CONFIRM=<cluster's name> does not); make up founds another
	@$(REGION) exec -- python -m operate reset --stack $(STACK) $(if $(CONFIRM),--yes-wipe $(CONFIRM))

promote: $(VENV)/complete ## Take what one stage has proved to the next: FROM=dev TO=staging
	@$(REGION) exec -- python -m operate promote $(FROM) $(TO) $(ARGS)

releases: $(VENV)/complete ## All stages: release, when it was verified, what each is behind by (ARGS=--json)
	@$(REGION) exec -- python -m operate releases $(ARGS)

print-region: $(VENV)/complete ## The command that speaks to the region, for an alias
	@echo "$(REGION)"

##@ Changes to the program
.PHONY: test check test-engine test-e2e test-full format picture outdated
test: check test-engine test-e2e ## check, test-engine and test-e2e

check: $(VENV)/complete ## Unit tests and every linter
	@$(PYTHON) -m region prepare --only packages
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright --pythonpath $(PYTHON)
	shellcheck $$(git ls-files --cached --others --exclude-standard scripts region/*.sh docs/pipelines | grep --invert-match "\.service$$\|\.conf$$")
	shfmt -i 2 -ci -d scripts region docs/pipelines
	$(VENV)/bin/pytest -q -n auto --dist worksteal tests/unit

test-engine: $(VENV)/complete ## The real engine against the region's API, without hosts
	@$(PYTHON) -m region prepare --only engine
	$(VENV)/bin/pytest -v -n auto --dist loadfile tests/engine

test-e2e: $(VENV)/complete ## One life of the default cluster on real hosts
	@$(PYTHON) -m region prepare
	$(VENV)/bin/pytest -v -x tests/e2e

test-full: $(VENV)/complete ## Every topology, trouble and reset on real hosts (ONLY=expression, as pytest's -k)
	@$(PYTHON) -m region prepare
	$(VENV)/bin/pytest -v -x tests/full $(if $(ONLY),-k "$(ONLY)")

format: $(VENV)/complete ## Rewrite the sources in the house's format
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	shfmt -i 2 -ci -w scripts region docs/pipelines

picture: ## Draw the README's picture from docs/architecture.dot
	@command -v dot >/dev/null || { echo "dot is missing, which draws it: apt-get install graphviz" >&2; exit 1; }
	dot -Tsvg docs/architecture.dot -o docs/architecture.svg

outdated: $(VENV)/complete ## List the pins of toolchain and program beside what can be had now; fails when one is behind
	@$(PYTHON) -m region.build.outdated

##@ Figures
.PHONY: bench births
bench: $(VENV)/complete ## Print the figures: start, up, unchanged up, memory, a worker more and less, replacements, down
	@$(PYTHON) -m tests.bench.figures

COUNT ?= 20
births: $(VENV)/complete ## Found and wipe the stack's cluster COUNT=20 times and print how long each birth took
	@$(PYTHON) -m tests.bench.births $(COUNT) --stack $(STACK)

# Its name says what is in it: a checkout's newer files are no reason to make it again under those who use it.
$(VENV)/complete:
	@region/make-venv.sh $(VENV) requirements-dev.txt
