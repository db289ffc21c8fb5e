# Looks at a job. There is no service that works on it: each look moves it on.
# Input: jobId. Output: state (RUNNING, DONE or FAILED), percent.
. ./lib/json.sh

job=out/jobs/$TASKMILL_INPUT_JOB_ID
[ -f "$job" ] || fail_for_good NO_SUCH_JOB "there is no job $TASKMILL_INPUT_JOB_ID"

read -r percent speed what <"$job"
percent=$((percent + speed))
[ "$percent" -lt 100 ] || percent=100
printf '%d %d %s\n' "$percent" "$speed" "$what" >"$job.new"
mv "$job.new" "$job"

state=RUNNING
[ "$percent" -lt 100 ] || state=DONE
[ "$speed" -gt 0 ] || state=FAILED
printf '{"state":"%s","percent":%d}\n' "$state" "$percent"
