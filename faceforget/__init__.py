"""FaceForget: erase a person from a face-recognition model using only their photos.

``faceforget.api`` holds the functions of the command line for Python; the README has an example.
"""

__version__ = "0.2.0"
