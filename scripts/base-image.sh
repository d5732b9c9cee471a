#!/usr/bin/env bash
# Makes sure that there is an image to build submissions on: the usual one where it is present or can
# be pulled, else one made here by `harness base-image`, for which debootstrap is installed if missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

if ! command -v debootstrap >/dev/null 2>&1 && may_install &&
    ! docker image inspect python:3.11-slim-bookworm >/dev/null 2>&1 &&
    ! docker image inspect harness-base:bookworm >/dev/null 2>&1 &&
    ! timeout 60 docker pull --quiet python:3.11-slim-bookworm >/dev/null 2>&1; then
    say "python:3.11-slim-bookworm can't be pulled; making a base image takes debootstrap"
    apt_install debootstrap
fi
exec .venv/bin/harness base-image --if-needed
