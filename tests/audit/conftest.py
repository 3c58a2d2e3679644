"""That this folder has one puts it on the path: tests of measures and of questions share made-up people."""
