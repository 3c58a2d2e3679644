"""The steps of the page Forget that stand on their own."""
