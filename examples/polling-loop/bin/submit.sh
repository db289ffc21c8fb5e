# The service takes a job: a file with the job's percent, the percent that each look at it adds,
# the video and the format. A repeated submission begins the same job anew.
# Input: video, format. Output: jobId.
. ./lib/json.sh

case $TASKMILL_INPUT_VIDEO in
  short-*)  speed=100 ;;
  lecture*) speed=5 ;;
  broken*)  speed=0 ;;
  *)        speed=40 ;;
esac
sum=$(printf '%s %s' "$TASKMILL_INPUT_VIDEO" "$TASKMILL_INPUT_FORMAT" | cksum)
id=J-${sum%% *}
mkdir -p out/jobs
printf '0 %d %s %s\n' "$speed" "$TASKMILL_INPUT_VIDEO" "$TASKMILL_INPUT_FORMAT" >"out/jobs/$id"
printf '{"jobId":"%s"}\n' "$id"
