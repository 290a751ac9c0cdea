"""Hand-ins collected, run in a sandbox, judged and reported."""
