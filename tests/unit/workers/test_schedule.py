from kernel import task_names
from workers.schedule import app


def test_what_is_begun_again_and_again_goes_to_its_queue_and_expires_before_the_next() -> None:
    sent = {
        entry["task"]: (entry["options"]["queue"], entry["options"]["expires"] <= entry["schedule"])
        for entry in app.conf.beat_schedule.values()
    }

    assert sent == {
        name: (task_names.QUEUES[name], True)
        for name in (task_names.SWEEP, task_names.EXPIRE_QUERIES)
    }
