"""What tools/accuracy.py and tests/accuracy share: points, truths, the measurement, and the report.

ulp        formats, and errors in units of the last place
operands   what one call of the operator is given, and how random operands are drawn
truth      the exact results: float64 for outputs up to float32, MPFR for float64 outputs and for ties
oracle     the exact results for every float32 logit, in double-double arithmetic (oracle.cpp), and comparing with them
rows       one line of the report: the worst error, where, among how many points
measure    call the package, compare, keep the worst; hill climbing
logit_bins the largest error by logit
float32    every float32 logit, targets 0 and 1: this package and others
sweeps     every 16-bit logit, random operands, climbing
contenders other packages
peers      other packages on the same 16-bit and float64 logits
run        the tasks that a run consists of, in three parts
report     the page and the JSON file
plots      the largest error by logit as SVG
"""
