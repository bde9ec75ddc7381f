"""Golden data for binary cross-entropy with logits: operands that find what is wrong, and the truth for them."""
