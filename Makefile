# `make help` lists what there is. Every target sets up .venv by itself.

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := $(BIN)/python
READY := $(VENV)/ready

# make book PART=foundations, make book NB=foundations/tensors
SELECT := $(if $(PART),--part $(PART)) $(if $(NB),--notebook $(NB))

help: ## show this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile

# The last line marks the environment as complete: an install cut short is taken up again.
$(READY): requirements.txt pyproject.toml tools/setup.sh
	@sh tools/setup.sh $(VENV)
	@touch $@

setup: $(READY) ## make .venv and install what the book needs

book: $(READY) ## run what has changed, build the site, print where it is (PART=..., NB=...)
	@$(RUN) -m tools.run $(SELECT)
	@$(RUN) -m tools.build $(SELECT)

serve: $(READY) ## build the site and serve it on this machine
	@$(RUN) -m tools.run $(SELECT)
	@$(RUN) -m tools.build --serve $(SELECT)

test: $(READY) ## everything that must hold: lint, tests, all chapters, the site in a browser
	@$(RUN) -m tools.test

slides: $(READY) ## make every chapter's slides from its notebook (PART=..., NB=...)
	@$(RUN) -m tools.run $(SELECT)
	@$(RUN) -m tools.slides $(SELECT)

assignments: $(READY) ## make the students' notebooks and the instructor's bundle
	@$(RUN) -m tools.assignments

reproduce: $(READY) ## run the book a second time and compare every text output
	@$(RUN) -m tools.run $(SELECT)
	@$(RUN) -m tools.run --compare $(SELECT)

bench: $(READY) ## measure what the book promises
	@$(RUN) -m tools.bench

lab: $(READY) ## open the chapters in JupyterLab
	@$(RUN) -m jupyter lab --notebook-dir=notebooks

format: $(READY) ## strip outputs, format code and notebooks
	@$(RUN) -m tools.check --fix
	@$(RUN) -m ruff check --quiet --select I --fix .
	@$(RUN) -m ruff format .

lock: $(READY) ## compile requirements.txt from the ranges in pyproject.toml
	@$(RUN) -m uv pip compile --quiet pyproject.toml --extra book --universal \
		--no-emit-index-url --no-header -o requirements.txt

clean: ## remove everything that was built; .venv stays
	@rm -rf _build .mypy_cache .pytest_cache .ruff_cache .coverage

.PHONY: help setup book serve test slides assignments reproduce bench lab format lock clean
