"""Methods that also read images of the classes that stay."""
