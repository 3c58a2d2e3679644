"""FaceForget: erase a person from a face-recognition model using only their photos."""

__version__ = "0.1.0"
