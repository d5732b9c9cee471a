"""Is the fuzzer of one target: `fuzz_target.py TARGET LIBFUZZER-FLAGS`; `fuzz.py` starts it."""

import shlex
import sys

import atheris

with atheris.instrument_imports(include=["harness"]):
    from frames_property import check_frames
    from prediction_property import check_prediction
    from stream_property import check_stream

CHECKS = {"stream": check_stream, "frames": check_frames, "prediction": check_prediction}

if __name__ == "__main__":
    # a merge starts this program again, through a shell, as its first argument says
    again = shlex.join([sys.executable, *sys.argv[:2]])
    atheris.Setup([again, *sys.argv[2:]], CHECKS[sys.argv[1]])
    atheris.Fuzz()  # ends the process
