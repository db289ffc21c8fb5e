# Takes a job away from the service.
# Input: jobId. Output: none.
. ./lib/json.sh

rm -f "out/jobs/$TASKMILL_INPUT_JOB_ID"
