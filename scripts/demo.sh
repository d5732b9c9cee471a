#!/usr/bin/env bash
# The whole road: the mini benchmark, its proof, three submissions, their ranking and the site.
# What is there already is kept: a second run takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
harness=.venv/bin/harness
submissions=(color-forest mini-unet mini-unet-augmented)

say "== 1/5 build the benchmark"
"$harness" build-benchmark mini
say "== 2/5 prove that it is the released one"
"$harness" verify mini
say "== 3/5 evaluate ${#submissions[@]} submissions in isolated containers"
for submission in "${submissions[@]}"; do
    "$harness" evaluate "$submission" --benchmark mini
done
say "== 4/5 rank them"
"$harness" rank --benchmark mini
say "== 5/5 render the leaderboard"
index="$("$harness" leaderboard --benchmark mini)"
say
say "The leaderboard: $(realpath "$index")"
