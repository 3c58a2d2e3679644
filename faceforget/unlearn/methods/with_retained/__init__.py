"""Methods that also read photos of the classes that stay."""
