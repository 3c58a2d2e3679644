"""Why somebody was not erased: precise, with what to do, and without a name."""

import pytest
from PIL import Image

from faceforget.api.erase_people import NobodyLeftError, erase
from faceforget.errors import FaceForgetError, NotForgottenError, UnknownPersonError
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.ledger import Ledger
from faceforget.requests.reasons import CANCELLED, INTERRUPTED, failure_of, stopped_by, why_failed
from faceforget.requests.receipt import read_receipt

PASSED, FAILED, PARTIAL, TOO_FEW = "passed", "failed", "partial", "too few photos to say"


def audit(verdicts, photos=12, at="", **more):
    """As the ledger keeps an audit that asked for both promises."""
    findings = {
        name: [{"outcome": outcome, "at_value": at or outcome, "photos": photos}] for name, outcome in verdicts.items()
    }
    required = ["forgotten", "unrecognisable"]
    body = {"required": required, "unbroken": ["others_kept"], "verdicts": verdicts, "findings": findings, **more}
    return {"reason": "audit", "audit": body}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (failure_of(UnknownPersonError("Ada is unknown.")), "The model does not know the person."),
        (failure_of(NotForgottenError("Ada")), "The erasure ended with the person still named on their own photos."),
        (failure_of(NobodyLeftError("Ada")), "Nobody would be left in the model."),
        ({"reason": CANCELLED}, "The operator cancelled the batch before this request was through."),
        ({"reason": INTERRUPTED}, "The app was ended while the batch ran, before this request was through."),
        ({"reason": "zap"}, "The request could not be carried out. The kind of the error: zap."),
        ({"reason": "wrong_person"}, "The photos seem to show somebody else, or several people."),  # an older ledger
        (
            {"reason": "no_usable_photo", "numbers": {"no_face": 2, "damaged_image": 1}},
            "No photo of the person could be used: 1 damaged, 2 without a face that was found.",
        ),
        ({"reason": "no_usable_photo"}, "No photo of the person could be used."),
    ],
)
def test_each_kind_has_its_words(body, expected):
    assert why_failed(body) == expected


def test_a_fault_that_stopped_a_batch_is_told_by_its_kind_alone():
    told = why_failed(stopped_by(OSError(28, "No space left for Ada")))
    assert told.endswith("stopped the batch before it was through. Its kind: OSError.")
    assert "Ada" not in told
    assert why_failed(stopped_by(FaceForgetError("Ada"))).endswith("Its kind: face_forget.")


def test_of_an_error_only_its_kind_and_its_counts_are_kept():
    error = NotForgottenError("Ada", doubtful=2, persons=["Ada"], path="/home/ada", sure=True, share=0.5)
    assert failure_of(error) == {"reason": "not_forgotten", "numbers": {"doubtful": 2}}


@pytest.mark.parametrize(
    ("body", "words", "absent"),
    [
        (
            audit({"forgotten": FAILED, "unrecognisable": PASSED, "others_kept": PASSED}),
            ["Forgotten: failed. Submit the request again with more and more varied photos"],
            ["Unrecognisable", "Others kept"],
        ),
        (
            audit({"forgotten": PARTIAL, "unrecognisable": PARTIAL, "others_kept": PASSED}, photos=3),
            ["Forgotten: partial. 3 photos were checked", "best with 10 or more", "Unrecognisable: partial"],
            ["promise less"],
        ),
        (
            audit({"forgotten": PARTIAL, "unrecognisable": PASSED, "others_kept": PASSED}, photos=10),
            ["Forgotten: partial. Submit the request again with more and more varied photos"],
            ["photos were checked"],
        ),
        (
            audit({"forgotten": PASSED, "unrecognisable": "not measured", "others_kept": PASSED}, photos=0),
            ["Unrecognisable: not measured. Submit the request again with more photos of the person"],
            ["0 photos"],
        ),
        (
            audit({"forgotten": TOO_FEW, "unrecognisable": PARTIAL, "others_kept": PASSED}),
            ["Unrecognisable: partial."],
            ["Forgotten"],  # nothing speaks against it, and nobody is refused for few photos
        ),
        (
            audit(
                {"forgotten": "too few photos to say", "unrecognisable": PASSED, "others_kept": PASSED}, at="partial"
            ),
            ["Forgotten: too few photos to say. Submit the request again"],
            [],
        ),
        (
            audit({"forgotten": PASSED, "unrecognisable": PASSED, "others_kept": FAILED}),
            ["Others kept: failed. Others would no longer be recognised", "one at a time"],
            ["Forgotten", "Unrecognisable"],
        ),
        (
            audit({"forgotten": PASSED, "unrecognisable": PASSED, "others_kept": PARTIAL}, rows_removed=False),
            ["The new model still held the person's row or name."],
            ["Others kept"],
        ),
    ],
)
def test_a_failed_audit_says_which_promise_was_not_kept_and_what_to_do(body, words, absent):
    told = why_failed(body)
    assert told.startswith("The audit of the new model did not pass")
    assert [part for part in words if part not in told] == []
    assert [part for part in absent if part in told] == []


def test_nobody_left_is_an_error_of_its_own(model_file):
    model = load_recognizer(model_file)
    with pytest.raises(NobodyLeftError):
        erase(model, {name: [] for name in model.labels})


def test_receipts_and_results_say_precisely_why_and_name_nobody(make_work, people, names, tmp_path):
    asked = {
        names[0]: people[names[1]][:3],
        names[2]: people[names[2]][:3],
        names[3]: [*people[names[3]][:3], people[names[2]][0]],
        names[4]: [],
        names[5]: people[names[5]][:2],
    }
    work = make_work(tmp_path, asked)
    Image.new("RGB", (200, 200)).save(work.requests / names[4] / "plain.png")
    (work.requests / names[4] / "text.jpg").write_bytes(b"no photo")

    class StopError(Exception):
        pass

    def stop(step):
        if step == "planned":
            raise StopError

    with pytest.raises(StopError):
        work.run(step=stop)
    # One run searches what it has planned; this file is another one when the batch goes on.
    (work.requests / names[5] / people[names[5]][0].name).write_bytes(b"another one")
    work.result = work.run(resume=True)
    reasons = [outcome.reason for outcome in work.result.outcomes]
    assert reasons[0] == "3 of 3 photos seem to show somebody else, or several people."
    # The stranger among the photos of names[3] is told first: a shared photo shows somebody else than one of the two.
    assert reasons[2] == "1 of 4 photos seem to show somebody else, or several people."
    assert reasons[3] == (
        "No photo of the person could be used: 1 not an image of an accepted format, 1 without a face that was found."
    )
    assert reasons[4] == "1 of 2 photos were not as they were when the batch was planned."
    assert work.result.outcomes[1].erased
    for index in (0, 2, 3, 4):
        assert read_receipt(work.receipt(index)).content["reason"] == reasons[index]
    with Ledger(work.ledger) as ledger:
        told = repr(ledger.entries()) + " ".join(reasons)
    assert not [name for name in names if name in told or name.replace("_", " ") in told]
