"""What is said and shown of an answer, as plain values that know no page."""
