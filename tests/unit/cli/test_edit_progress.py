"""How progress of one picture's edits is counted."""

from harness.cli.edit_progress import CountedSteps, StepSignal, edit_progress


def last_line(capsys):
    return capsys.readouterr().err.splitlines()[-1]


def test_steps_are_counted_as_they_are_told(capsys):
    signal = StepSignal()
    signal(5)  # nobody listens yet
    with edit_progress("car", edits=2, steps=CountedSteps(signal=signal, total=6)) as on_done:
        signal(1)
        signal(1)
        signal(2)
        signal(2)
        on_done(2)
    assert last_line(capsys).startswith("car: 6/6 steps")


def test_steps_that_are_taken_again_are_counted_once(capsys):
    signal = StepSignal()
    with edit_progress("car", edits=2, steps=CountedSteps(signal=signal, total=6)):
        for count in (2, 2, -4, 2, 2, 1):
            signal(count)
    assert last_line(capsys).startswith("car: 5/6 steps")


def test_without_steps_edits_are_counted(capsys):
    with edit_progress("car", edits=3, steps=None) as on_done:
        on_done(1)
        on_done(1)
    assert last_line(capsys).startswith("car: 2/3 edits")
