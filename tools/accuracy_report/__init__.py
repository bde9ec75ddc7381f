"""What tools/accuracy.py and tests/accuracy share: points, truths, the measurement, and the report.

ulp        formats, and errors in units of the last place
operands   what one call of the operator is given, and how random operands are drawn
truth      the exact results: float64 for outputs up to float32, MPFR for float64 outputs and for ties
rows       one line of the report: the worst error, where, among how many points
measure    call the package, compare, keep the worst; hill climbing
sweeps     the pieces of work that a run consists of
peers      other packages on the same points
report     the page and the JSON file
"""
