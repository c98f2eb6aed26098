# What shell scripts do with memory; every line printed depends on the data alone.
set -eu

declare -A squares
for ((n = 0; n < 20000; n++)); do squares[key$n]=$((n * n)); done
total=0
for key in "${!squares[@]}"; do total=$((total + squares[$key])); done
echo "associative: ${#squares[@]} entries, sum $total"

list=()
for ((n = 0; n < 20000; n++)); do list+=("item-$((n * 7919 % 20000))"); done
printf '%s\n' "${list[@]}" | sort | cksum
echo "sliced: ${list[*]:100:5}"

text=
for ((n = 0; n < 3000; n++)); do text+="line $n of the text;"; done
changed=${text//line/LINE}
echo "text: ${#text} ${#changed} $(cksum <<<"$changed")"

fibonacci() { (($1 < 2)) && echo "$1" || echo $(($(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))))); }
echo "subshells: $(fibonacci 11)"

for n in 1 2 3 4 5 6 7 8; do (
  for ((i = 0; i < 2000; i++)); do words[i]="$n $i"; done
  exit "$n"
) & jobs[n]=$!; done
status=0
for job in "${jobs[@]}"; do wait "$job" || status=$((status + $?)); done
echo "background: $status"

for n in {1..40}; do printf 'row %s\n' "$n" | sed 's/row/line/' | sort; done | cksum
while read -r first rest; do echo "$rest $first"; done <<END | cksum
$(for ((n = 0; n < 2000; n++)); do echo "$n the words of line $n"; done)
END
trap 'echo "the exit trap ran"' EXIT
