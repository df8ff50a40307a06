#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Are the rows of a product grid as good as independent ones, and how many groups does it take?
# Kernel errors beside their prediction, and test accuracy over seeds. Prints markdown.
#
# usage: grid-or-independent.sh GRIDERROR HALFSPACE SEEDS TABLE TARGET [TABLE TARGET ...]
#   GRIDERROR, HALFSPACE  the built programs; SEEDS for the accuracy, 60 take a quarter of an hour
#                         with two tables
#   TABLE                 a CSV file, TARGET one of its columns
set -euo pipefail
error=$1 program=$2 seeds=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The value of a number in a report: key, file.
value() { sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*$/\1/p" "$2" | head -n 1; }

echo "# Product grid or independent rows?"
echo
echo "## Kernel error"
echo
"$error" 20
echo
echo "## Test accuracy"
echo
echo "Settings chosen from the data; a split and an initial network for each of $seeds seeds. The"
echo "difference from independent rows is that of the means over the same splits, with its standard"
echo "error."
# Accuracy and stored neurons of every seed, one per line: table, target, options.
train() {
  for seed in $(seq "$seeds"); do
    # shellcheck disable=SC2086
    "$program" train "$1" --target "$2" --task classification --seed "$seed" --threads 1 --quiet \
      $3 --output "$work/model" --report "$work/report" 2> "$work/error" || {
      cat "$work/error" >&2
      return 1
    }
    echo "$(value accuracy "$work/report") $(value materialized "$work/report")"
  done
}
while [ $# -ge 2 ]; do
  table=$1 target=$2
  shift 2
  echo
  echo "| $(basename "$table" .csv) | test accuracy | lowest | highest | difference from independent | stored neurons |"
  echo "|:--|--:|--:|--:|--:|--:|"
  train "$table" "$target" "--initial gaussian" > "$work/independent"
  for kind in "--initial gaussian" "--groups 1" "--groups 4" "--groups 16" "--groups 64" \
    "--groups 256" "--groups 1024"; do
    if [ "$kind" = "--initial gaussian" ]; then
      cp "$work/independent" "$work/scores"
    else
      train "$table" "$target" "$kind" > "$work/scores"
    fi
    paste -d ' ' "$work/scores" "$work/independent" | awk -v kind="${kind/--groups /G = }" '
      NR == 1 { low = high = $1 }
      { d = $1 - $3; sum += $1; differences += d; squares += d * d; stored += $2 }
      $1 < low { low = $1 }
      $1 > high { high = $1 }
      END {
        isReference = sub("--initial gaussian", "independent", kind)
        mean = differences / NR
        spread = NR > 1 ? sqrt((squares - NR * mean * mean) / (NR - 1) / NR) : 0
        difference = isReference ? "–" : sprintf("%+.4f ± %.4f", mean, spread)
        printf "| %s | %.4f | %.4f | %.4f | %s | %.0f |\n",
          kind, sum / NR, low, high, difference, stored / NR
      }'
  done
done
