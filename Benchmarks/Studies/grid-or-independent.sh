#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Are the rows of a product grid as good as independent ones, and how many groups does it take?
# Kernel errors beside their prediction, and test accuracy over seeds. Prints markdown.
#
# usage: grid-or-independent.sh GRIDERROR HALFSPACE SEEDS TABLE TARGET [TABLE TARGET ...]
#   GRIDERROR, HALFSPACE  the built programs
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
echo "Settings chosen from the data, one split and one initial network per seed, $seeds seeds; the"
echo "standard error is that of the mean."
while [ $# -ge 2 ]; do
  table=$1 target=$2
  shift 2
  echo
  echo "| $(basename "$table" .csv) | test accuracy | standard error | lowest | highest | stored neurons |"
  echo "|:--|--:|--:|--:|--:|--:|"
  for kind in "--groups 1" "--groups 4" "--groups 16" "--groups 64" "--groups 256" \
    "--initial gaussian"; do
    for seed in $(seq "$seeds"); do
      # shellcheck disable=SC2086
      "$program" train "$table" --target "$target" --task classification --seed "$seed" \
        --threads 1 --quiet $kind --output "$work/model" --report "$work/report" \
        2> "$work/error" || {
        cat "$work/error" >&2
        exit 1
      }
      echo "$(value accuracy "$work/report") $(value materialized "$work/report")"
    done | awk -v kind="${kind/--groups /G = }" '
      NR == 1 { low = high = $1 }
      { sum += $1; squares += $1 * $1; stored += $2 }
      $1 < low { low = $1 }
      $1 > high { high = $1 }
      END {
        sub("--initial gaussian", "independent", kind)
        mean = sum / NR
        spread = NR > 1 ? sqrt((squares - NR * mean * mean) / (NR - 1) / NR) : 0
        printf "| %s | %.4f | %.4f | %.4f | %.4f | %.0f |\n",
          kind, mean, spread, low, high, stored / NR
      }'
  done
done
