"""What the Makefile runs: each module is one step and works alone, as `python -m tools.NAME`."""
