#!/usr/bin/env bash
# Trains in several processes and compares bytes with one process: Tests/MPI/ranks.sh PROGRAM, a
# halfspace that was built with --traits MPI. Needs mpirun. HALFSPACE_DATA may name a folder with
# letter.csv.
set -euo pipefail
program="$(realpath "$1")"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
digits=Sources/HalfspaceIO/Resources/digits.csv

fail() { echo "failed: $*" >&2; exit 1; }

# ranks N ARGUMENTS...: N processes, more than processors if need be.
ranks() {
  local count="$1"
  shift
  if [ "$count" -eq 1 ]; then "$program" "$@"
  else mpirun --oversubscribe --bind-to none -n "$count" "$program" "$@"; fi
}

train() { ranks "$1" train "${@:2}" --threads 1 --quiet; }

echo "One, two, three and four ranks write the same model"
tables=("$digits digit")
[ -z "${HALFSPACE_DATA:-}" ] || tables+=("$HALFSPACE_DATA/letter.csv Letter")
for table in "${tables[@]}"; do
  read -r file target <<<"$table"
  for optimizer in sgd adagrad; do
    for count in 1 2 3 4; do
      train "$count" "$file" --target "$target" --optimizer "$optimizer" --epochs 3 \
        --output "$work/$count.safetensors"
      cmp "$work/1.safetensors" "$work/$count.safetensors" ||
        fail "$file, $optimizer: $count ranks"
    done
  done
done

echo "Early stopping ends at the same epoch"
for count in 1 3; do
  train "$count" "$digits" --target digit --patience 2 --output "$work/$count.safetensors"
done
cmp "$work/1.safetensors" "$work/3.safetensors" || fail "--patience"

echo "One report and one line of progress for each epoch"
ranks 2 train "$digits" --target digit --epochs 3 --report "$work/report.json" \
  --output "$work/2.safetensors" >"$work/out" 2>"$work/err"
[ "$(grep -c '^epoch' "$work/err")" -eq 3 ] || fail "progress: $(cat "$work/err")"
[ "$(grep -c '^Model written' "$work/out")" -eq 1 ] || fail "summary: $(cat "$work/out")"
grep -q '"processes": 2' "$work/report.json" || fail "report: $(cat "$work/report.json")"

echo "What is wrong is said once, and ends all ranks"
if ranks 3 train "$work/none.csv" --target digit 2>"$work/err"; then fail "a file that is not there"; fi
[ "$(grep -c '^halfspace:' "$work/err")" -eq 1 ] || fail "messages: $(cat "$work/err")"

# long COUNT MODEL ARGUMENTS...: a run on $file with checkpoints in $work/checkpoints.
long() {
  train "$1" "$file" --target "$target" --optimizer "$optimizer" --epochs "$epochs" --output "$2" \
    --checkpoint "$work/checkpoints" --checkpoint-every 20steps "${@:3}"
}

echo "Checkpoints cross from three ranks to one, two and four"
# Letter has nine times the rows of digits. Digits come last: the next test goes on.
for ((k = ${#tables[@]} - 1; k >= 0; k--)); do
  read -r file target <<<"${tables[k]}"
  epochs=$([ "$k" -eq 0 ] && echo 100 || echo 10)
  for optimizer in sgd adagrad; do
    train 1 "$file" --target "$target" --optimizer "$optimizer" --epochs "$epochs" \
      --output "$work/whole.safetensors"
    rm -rf "$work/checkpoints"
    long 3 "$work/stopped.safetensors" --time-limit 0.4s
    if cmp -s "$work/whole.safetensors" "$work/stopped.safetensors"; then
      fail "$file, $optimizer: the run was over before it was stopped"
    fi
    for count in 1 2 4; do
      rm -rf "$work/saved"
      cp -r "$work/checkpoints" "$work/saved"
      long "$count" "$work/$count.safetensors" --resume
      cmp "$work/whole.safetensors" "$work/$count.safetensors" ||
        fail "$file, $optimizer, resumed on $count ranks"
      rm -rf "$work/checkpoints"
      mv "$work/saved" "$work/checkpoints"
    done
  done
done

echo "When a rank is killed the others end, and the run goes on to the same bytes"
optimizer=adagrad
rm -rf "$work/checkpoints"
long 3 "$work/killed.safetensors" 2>"$work/err" &
run=$!
for _ in $(seq 300); do
  [ -z "$(ls "$work/checkpoints" 2>/dev/null)" ] || break
  sleep 0.1
done
victim=
for pid in $(pgrep -f -- "--output $work/killed.safetensors"); do
  if tr '\0' '\n' <"/proc/$pid/environ" | grep -qx OMPI_COMM_WORLD_RANK=2; then victim=$pid; fi
done
[ -n "$victim" ] || fail "no rank to kill: $(cat "$work/err")"
start=$SECONDS
kill -KILL "$victim"
if wait "$run"; then fail "the run went on without a rank"; fi
[ $((SECONDS - start)) -le 10 ] || fail "the others took $((SECONDS - start)) s to end"
grep -q 'signal 9' "$work/err" || fail "no word about it: $(cat "$work/err")"
[ ! -e "$work/killed.safetensors" ] || fail "a killed run has a model"
long 2 "$work/killed.safetensors" --resume
cmp "$work/whole.safetensors" "$work/killed.safetensors" || fail "resumed after a kill"
