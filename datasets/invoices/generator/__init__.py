"""The parts of the invoice generator; ``make.py`` puts them together."""
