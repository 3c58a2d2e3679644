"""Training of the shipped weights; needs the research data, so it is no part of the package."""
