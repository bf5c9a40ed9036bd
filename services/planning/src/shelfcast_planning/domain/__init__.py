"""Stock rules and formulas."""
