"""One method, one file; by what they read: nothing but the forget set, the retain set too, nothing at all."""
