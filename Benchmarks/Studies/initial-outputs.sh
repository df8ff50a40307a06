#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which output weights should a network start with? Trains each kind on a table over several seeds
# and prints test scores, stored neurons and training time as a markdown table.
#
# usage: initial-outputs.sh HALFSPACE TABLE TARGET [SEEDS]
#   HALFSPACE  the built program
#   TABLE      a CSV file, TARGET one of its columns
set -euo pipefail
program=$1 table=$2 target=$3 seeds=${4:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The value of a number in a report: key, file.
value() { sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*$/\1/p" "$2" | head -n 1; }

echo "| output weights | test score, mean of $seeds seeds | lowest | highest | stored neurons | seconds |"
echo "|:--|--:|--:|--:|--:|--:|"
for kind in "zero" "pairs" "signed-pairs" "independent" "pairs --fixed-outputs" \
  "signed-pairs --fixed-outputs"; do
  for seed in $(seq "$seeds"); do
    # shellcheck disable=SC2086
    "$program" train "$table" --target "$target" --seed "$seed" --threads 1 --quiet \
      --outputs $kind --output "$work/model" --report "$work/report" 2> "$work/error" || {
      echo "| $kind | $(cat "$work/error") | | | | |"
      continue 2
    }
    score=$(value accuracy "$work/report")
    echo "${score:-$(value r2 "$work/report")} $(value materialized "$work/report")" \
      "$(sed -n '/"seconds"/,/}/p' "$work/report" > "$work/seconds" && value train "$work/seconds")"
  done | awk -v kind="$kind" '
    NR == 1 { low = high = $1 }
    { sum += $1; stored += $2; seconds += $3 }
    $1 < low { low = $1 }
    $1 > high { high = $1 }
    END {
      printf "| %s | %.4f | %.4f | %.4f | %.0f | %.2f |\n",
        kind, sum / NR, low, high, stored / NR, seconds / NR
    }'
done
