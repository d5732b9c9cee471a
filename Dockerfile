# The harness itself.
#
#   docker build --target slim -t harness .      evaluate, check, rank, leaderboard, verify, doctor
#   docker build --target gpu  -t harness:gpu .  the same, and the diffusion editor for build-benchmark
#
# It talks to the engine outside through its socket; no path is shared with submissions' containers.
# --user is who owns the mounted workspace: the image's own user (10001) could not write there.
#
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/workspace" \
#       -v /var/run/docker.sock:/var/run/docker.sock --group-add "$(stat -c %g /var/run/docker.sock)" \
#       harness evaluate color-forest --benchmark mini
#
# Where the network is closed, put the pinned wheels into wheels/ first (scripts/wheels.sh) and name a
# local base: --build-arg BASE_IMAGE=harness-base:bookworm
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/venv
WORKDIR /src
# the pins change seldom, the code often: two layers. `wheel[s]` matches nothing where there are none.
COPY requirements.lock wheel[s] ./wheels/
RUN sed '/^# --- diffusion ---$/,$d' wheels/requirements.lock > runtime.txt \
    && if ls wheels/*.whl > /dev/null 2>&1; then offline="--no-index --find-links wheels"; fi \
    && /opt/venv/bin/python -m pip install ${offline:-} --require-hashes --requirement runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY harness ./harness
RUN /opt/venv/bin/python -m pip install --no-deps --no-build-isolation --no-index .

FROM ${BASE_IMAGE} AS slim
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home harness \
    && mkdir /workspace \
    && chown harness:harness /workspace
USER harness
WORKDIR /workspace
ENTRYPOINT ["harness"]
CMD ["--help"]

FROM packages AS gpu-packages
# torch comes after what it wants; on a machine for CUDA its wheel brings the CUDA libraries
RUN sed -n '/^# --- diffusion ---$/,/^# --- torch ---$/p' wheels/requirements.lock > diffusion.txt \
    && sed -n '/^# --- torch ---$/,/^# --- development ---$/p' wheels/requirements.lock > torch.txt \
    && /opt/venv/bin/python -m pip install --require-hashes --no-deps --requirement diffusion.txt \
    && /opt/venv/bin/python -m pip install --requirement torch.txt

FROM slim AS gpu
COPY --from=gpu-packages /opt/venv /opt/venv
