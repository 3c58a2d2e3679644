"""The whole tasks, from photos to result: what the command line, the app and Python users call."""

from faceforget.api.audit_erasure import Others, audit
from faceforget.api.enroll_people import Enrolment, enroll
from faceforget.api.erase_people import ErasureOutcome, erase
from faceforget.api.inspect_model import inspect
from faceforget.api.recognize_photos import NamedPhoto, recognize
from faceforget.api.run_demo import Demo, demo
from faceforget.api.runtime import Runtime
from faceforget.audit.origin import Origin
from faceforget.errors import FaceForgetError, WrongPersonError
from faceforget.recognizer.enroll import Plan
from faceforget.recognizer.storage import load_recognizer as load
from faceforget.recognizer.storage import save_recognizer as save

__all__ = [
    "Demo",
    "Enrolment",
    "ErasureOutcome",
    "FaceForgetError",
    "NamedPhoto",
    "Origin",
    "Others",
    "Plan",
    "Runtime",
    "WrongPersonError",
    "audit",
    "demo",
    "enroll",
    "erase",
    "inspect",
    "load",
    "recognize",
    "save",
]
