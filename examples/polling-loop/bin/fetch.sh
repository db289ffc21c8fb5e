# Fetches what a job made.
# Input: jobId. Output: file.
. ./lib/json.sh

read -r percent speed video format <"out/jobs/$TASKMILL_INPUT_JOB_ID"
file=out/${video%.mov}.$format
printf '%s as %s\n' "$video" "$format" >"$file"
printf '{"file":"%s"}\n' "$file"
