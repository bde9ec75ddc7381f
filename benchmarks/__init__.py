"""The benchmark of bcelogits against its peers; `python -m benchmarks --help` tells how to run it."""
