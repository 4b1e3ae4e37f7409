"""Figures that anyone can run, on a region of their own; no test depends on them."""
