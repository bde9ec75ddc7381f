"""What a two-phase call costs from C: `python -m benchmarks.cann`."""
