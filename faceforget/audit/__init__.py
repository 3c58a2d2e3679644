"""What is left of a person: a file per question, one report."""
