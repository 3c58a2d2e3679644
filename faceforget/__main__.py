"""``python -m faceforget``."""

from faceforget.cli import main

main()
