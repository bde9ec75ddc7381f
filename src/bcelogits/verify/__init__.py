"""Verdicts on implementations of binary cross-entropy with logits, under the field's precision standards."""
