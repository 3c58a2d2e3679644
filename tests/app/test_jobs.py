import itertools
import threading

import pytest

from app.jobs import Job
from faceforget.errors import UsageError
from faceforget.progress import Event
from tests.waiting import LONG, until


def test_a_job_gives_its_result_and_the_points_of_its_curves():
    def work(progress):
        progress(Event("erasing", 1, 2, {"probability_left": 0.5}))
        progress(Event("asking", 3, 14))
        return "result"

    job = Job(work)
    assert job.wait(LONG)
    assert (job.state, job.result) == ("done", "result")
    assert job.points == ({"probability_left": 0.5},)
    assert (job.stage.name, job.stage.done) == ("asking", 3)


def test_a_cancelled_job_stops_at_its_next_step_and_has_no_result():
    begun = threading.Event()

    def work(progress):
        for step in itertools.count():
            progress(Event("erasing", step))
            begun.set()

    job = Job(work)
    assert begun.wait(LONG)
    job.cancel()
    assert job.wait(LONG)
    assert job.state == "cancelled"
    with pytest.raises(RuntimeError, match="cancelled"):
        _ = job.result


def test_an_error_that_a_user_can_act_on_is_kept():
    def work(progress):
        raise UsageError("Too few photos.", "Add some.")

    job = Job(work)
    job.wait(LONG)
    assert (job.state, job.error.message) == ("failed", "Too few photos.")


def test_an_unforeseen_error_says_nothing_of_itself():
    def work(progress):
        raise KeyError("/secret/path of Ada")

    job = Job(work)
    job.wait(LONG)
    assert job.state == "failed"
    assert "secret" not in str(job.error)


def test_jobs_take_turns():
    running, most, begun, release = [], [], threading.Event(), threading.Event()

    def work(progress):
        running.append(1)
        most.append(len(running))
        begun.set()
        release.wait(LONG)
        running.pop()
        return True

    jobs = [Job(work) for _ in range(4)]
    assert begun.wait(LONG)
    assert [job.state for job in jobs].count("running") <= 1
    release.set()
    assert all(job.wait(LONG) for job in jobs)
    assert max(most) == 1


def test_a_waiting_job_can_be_cancelled():
    release = threading.Event()
    first = Job(lambda progress: release.wait(LONG))
    second = Job(lambda progress: True)
    second.cancel()
    assert second.wait(LONG)
    assert second.state == "cancelled"
    release.set()
    assert first.wait(LONG)


def test_a_patient_job_lets_others_go_first_at_its_next_step():
    order, begun = [], threading.Event()

    def reports(progress):
        order.append("first report")
        begun.set()
        until(lambda: others)
        progress(Event("drawing", 1))
        order.append("second report")
        return True

    def erasure(progress):
        order.append("erasure")
        return True

    others = []
    patient = Job(reports, patient=True)
    assert begun.wait(LONG)
    others.append(Job(erasure))
    assert patient.wait(LONG)
    assert order == ["first report", "erasure", "second report"]
    assert patient.state == others[0].state == "done"


def test_a_patient_job_can_be_cancelled_while_others_go_first():
    release, begun = threading.Event(), threading.Event()

    def reports(progress):
        begun.set()
        while True:
            progress(Event("drawing", 1))

    patient = Job(reports, patient=True)
    assert begun.wait(LONG)
    other = Job(lambda progress: release.wait(LONG))
    until(lambda: other.state == "running")
    patient.cancel()
    assert patient.wait(LONG)
    release.set()
    assert other.wait(LONG)
    assert (patient.state, other.state) == ("cancelled", "done")
    assert Job(lambda progress: True).wait(LONG)  # nobody has kept the turn
