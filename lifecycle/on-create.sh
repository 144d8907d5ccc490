#!/bin/bash
# segwidgets: what a SageMaker notebook instance runs once, when it is created. It prepares the volume and says in
# CloudWatch (/aws/sagemaker/NotebookInstances, stream <instance>/LifecycleConfigOnCreate) what will not work later. The kernels
# are on-start's business, which runs right after this; it does all that it needs again.
#
# It always ends with exit 0: a lifecycle script that fails keeps the instance from being created.
#
# A checkout with Windows line ends works too: "end" then holds a CR, and the "#" takes that of the long line.
end=LF
[ "$end" = LF ] || { echo "segwidgets on-create: this script has Windows line ends (CRLF); it goes on without them."; exec /bin/bash -c "$(/usr/bin/tr -d '\r' <"$0")" "$0"; } #
# Filled in by `segwidgets lifecycle deploy`: the bundle (s3://bucket/key, or a path on the volume) and its checksum.
BUNDLE_URI=''
BUNDLE_SHA256=''

set -u
trap 'exit 0' EXIT
trap : PIPE
# The PATH that SageMaker gives holds a relative "bin".
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
cd /
owner=ec2-user
KERNEL_DIR=${SEGWIDGETS_KERNEL_DIR:-/home/ec2-user/SageMaker/.rapids-kernel}
SMALL=20000000000 # bytes; the environment, its packages and a second one beside it take about 15 GB

say() {
  printf 'segwidgets on-create: %s\n' "$*" || :
}

# shellcheck disable=SC2329 # called by the text that `declare -f` gives
prepare() { # In a process of its own, since a volume may hang. What it prints is what there is to say.
  local size place
  trap : PIPE
  for place in "/proc/$BASHPID/fd/"*; do
    place=${place##*/}
    [ "$place" -le 2 ] || exec {place}>&-
  done
  mkdir -p "${KERNEL_DIR%/*}"
  # Neither follows a link that the user may have put there.
  mkdir "$KERNEL_DIR"
  [ -z "$identity" ] || chown -h "$identity" "$KERNEL_DIR"
  if ! [ -d "$KERNEL_DIR" ]; then
    echo "$KERNEL_DIR cannot be made: the volume cannot be written to, so no kernel can be kept on it."
    return
  fi
  size=$(df --block-size=1 --output=size "$KERNEL_DIR" | tail -n 1)
  if [ "$size" -lt "$SMALL" ]; then
    echo "The volume has only $((size / 1000000000)) GB, and the RAPIDS kernel needs 20 GB or more. Stop the instance, set its volume size to 50 GB, and start it again."
  else
    echo "The volume is ready: $((size / 1000000000)) GB."
  fi
}

if [[ -n $BUNDLE_URI && ! $BUNDLE_SHA256 =~ ^[0-9a-f]{64}$ ]]; then
  say "BUNDLE_SHA256 is '$BUNDLE_SHA256', not 64 hexadecimal digits: $BUNDLE_URI will not be fetched unchecked. Run: segwidgets lifecycle deploy"
elif [ -n "$BUNDLE_URI" ]; then
  say "The kernels come from the bundle $BUNDLE_URI (sha256 $BUNDLE_SHA256)."
else
  say "No bundle is named, so on-start can use only what lies on the volume. Run: segwidgets lifecycle deploy"
fi

identity=''
if [ "$(id -u)" = 0 ] && ! identity=$(id -u "$owner"):$(id -g "$owner"); then
  say "There is no user $owner, so this is no SageMaker notebook instance. Nothing was prepared."
  exit 0
fi
export KERNEL_DIR SMALL identity
prepare=$(declare -f prepare)
export prepare
# shellcheck disable=SC2016 # expanded by the new shell
IFS= read -r -t 1.2 told < <(exec setsid /bin/bash -c 'eval "$prepare"; prepare' </dev/null 2>/dev/null)
say "${told:-The volume does not answer. Nothing was prepared; on-start tries again.}"
exit 0
