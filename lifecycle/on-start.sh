#!/bin/bash
# segwidgets: what a SageMaker notebook instance runs at every start. It starts the restore of the kernels and returns
# at once: whatever may take long or block (the volume, the network) happens in a detached process, never here.
#
# It always ends with exit 0: a lifecycle script that fails keeps the instance from starting. What went wrong is printed
# instead, for CloudWatch (/aws/sagemaker/NotebookInstances, stream <instance>/LifecycleConfigOnStart). That gets only
# what is printed before this script returns, so each start prints how the LAST restore ended.
#
# A checkout with Windows line ends works too: "end" then holds a CR, and the "#" takes that of the long line.
# shellcheck disable=SC2329 # functions are called in other processes
end=LF
[ "$end" = LF ] || { echo "segwidgets on-start: this script has Windows line ends (CRLF); it goes on without them."; exec /bin/bash -c "$(/usr/bin/tr -d '\r' <"$0")" "$0"; } #
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

say() {
  printf 'segwidgets on-start: %s\n' "$*" || :
}

# The functions from here to launch run in other processes, from the text that `declare -f` gives: this file may be gone.

close_inherited() { # Nobody must wait for a pipe that the restore still holds.
  local place fd
  for place in "/proc/$BASHPID/fd/"*; do
    fd=${place##*/}
    [ "$fd" -le 2 ] || exec {fd}>&-
  done
}

tell() { # How the last restore ended.
  close_inherited
  if [ -e "$KERNEL_DIR/status.json" ]; then
    printf 'The last restore: '
    head -c 4000 "$KERNEL_DIR/status.json" | tr '\n' ' ' | sed -n '
      s/.*"state": *"\([a-z]*\)".*"phase": *"\([a-z ]*\)".*"reason": *"\(\([^"\\]\|\\.\)*\)".*/\1, phase "\2". \3/p; t
      s/.*/its status.json cannot be read./p'
    printf '\nThe end of its log:\n'
    tail -n 15 "$KERNEL_DIR/restore.log" | cut -c 1-300
  else
    printf 'No restore has run on this volume yet.\n'
  fi
}

note() {
  printf '%s on-start: %s\n' "$(date -u +%FT%TZ)" "$*" || :
}

as_json() {
  printf '"%s"' "$(printf '%s' "$1" | tr '\000-\037' ' ' | sed 's/["\\]/\\&/g')"
}

status() { # STATE PHASE REASON, told for as long as restore.py cannot. A restore that runs is not talked over.
  local now finished=null
  now=$(date +%s)
  [ "$1" = restoring ] || finished=$now
  (
    flock -n 9 || exit 0
    printf '{"version": 1, "state": "%s", "phase": "%s", "started": %s, "updated": %s, "finished": %s,
 "packages": {"done": 0, "all": 0}, "bytes": {"done": 0, "all": 0}, "rate": null, "seconds_left": null, "fraction": null,
 "key": "", "warm": false, "kernels": {"rapids": null, "cpu": null}, "driver": null, "gpu": null, "instance_type": null,
 "reason": %s, "log": %s, "pid": %s, "boot": "%s"}\n' "$1" "$2" "$started" "$now" "$finished" \
      "$(as_json "$3")" "$(as_json "$log")" "$$" "$(cat /proc/sys/kernel/random/boot_id)" >"$KERNEL_DIR/.start-status-$$" &&
      mv -f "$KERNEL_DIR/.start-status-$$" "$KERNEL_DIR/status.json"
  ) 9>>"$KERNEL_DIR/lock" || rm -f "$KERNEL_DIR/.start-status-$$"
}

give_up() { # REASON. `retry` then does again what this start did.
  local new=$KERNEL_DIR/.start-retry-$$
  note "$1"
  status failed starting "$1"
  # shellcheck disable=SC2016 # expanded when retry runs
  printf '#!/bin/bash\nexport TEXT=%q\n%s\n' "$TEXT" \
    'setsid /bin/bash -c '\''eval "$TEXT"; restore'\'' </dev/null >/dev/null 2>&1 &' >"$new" &&
    chmod 755 "$new" && mv -f "$new" "$KERNEL_DIR/retry"
  rm -f "$new"
  exit 1
}

find_python() {
  local conda=$HOME/anaconda3
  for python in "$conda/envs/JupyterSystemEnv/bin/python3" "$conda/envs/python3/bin/python3" "$conda/bin/python3" \
    /opt/conda/bin/python3 python3 python3.13 python3.12 python3.11 python3.10; do
    python=$(command -v "$python") || continue
    if timeout -k 1 20 "$python" -I -c 'import pip, sys; sys.exit(sys.version_info < (3, 10))'; then return; fi
  done 2>/dev/null
  return 1
}

whole() { # DIRECTORY: every file of the unpacked bundle is what bundle.json says.
  [ -f "$1/bundle.json" ] && "$python" -I -c '
import hashlib, json, pathlib, sys
top = pathlib.Path(sys.argv[1])
files = json.loads((top / "bundle.json").read_text())["files"]
wrong = [name for name, sha256 in files.items() if hashlib.sha256((top / name).read_bytes()).hexdigest() != sha256]
sys.exit(bool(wrong) or "restore.py" not in files)' "$1" 2>/dev/null
}

fetch() { # Brings the bundle that is wanted to bundle/<its sha256>, or leaves nothing behind.
  local new=$KERNEL_DIR/bundle/.new-$$ tries=4 pause=1 got
  case $BUNDLE_URI in
    s3://?*/?*) ;;
    /*) tries=1 ;;
    *) note "BUNDLE_URI is '$BUNDLE_URI': it must start with s3://, or be a full path." && return 1 ;;
  esac
  # One start at a time; the next one then finds what this one brought.
  exec 8>>"$KERNEL_DIR/bundle.lock" && flock -w 300 8
  ! whole "$wanted" && mkdir "$new" || return 1
  while status restoring fetching ''; do
    if case $BUNDLE_URI in
      s3://*) AWS_MAX_ATTEMPTS=1 timeout -k 2 60 aws s3 cp "$BUNDLE_URI" "$new/tar.gz" --only-show-errors \
        --cli-connect-timeout 5 --cli-read-timeout 20 ;;
      *) timeout -k 2 60 cp -- "$BUNDLE_URI" "$new/tar.gz" ;;
    esac; then
      got=$(sha256sum <"$new/tar.gz")
      got=${got%% *}
      [ "$got" != "$BUNDLE_SHA256" ] || break
      note "The bundle from $BUNDLE_URI has the sha256 $got, not $BUNDLE_SHA256: it is refused and deleted."
    fi
    rm -f "$new/tar.gz"
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      note "The bundle could not be fetched from $BUNDLE_URI. Check the network, and that the instance's role may read it."
      rm -rf "$new"
      return 1
    fi
    sleep "$pause"
    pause=$((pause * 2))
  done
  mkdir "$new/tree" && tar -xzf "$new/tar.gz" -C "$new/tree" --no-same-owner && whole "$new/tree" &&
    rm -rf "$wanted" && mv -T "$new/tree" "$wanted"
  rm -rf "$new"
  whole "$wanted" || note "The bundle could not be unpacked to $wanted. Is the volume full?"
}

unpacked() { # The bundles on the volume, the one used last first.
  find "$KERNEL_DIR/bundle" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2-
}

sweep() { # What killed starts left behind, and all bundles but the three used last.
  local place
  for place in "$KERNEL_DIR"/bundle/.*-* "$KERNEL_DIR"/.start-*; do
    kill -0 "${place##*-}" 2>/dev/null || rm -rf "$place"
  done
  unpacked | tail -n +4 | while IFS= read -r place; do rm -rf "$place"; done
}

restore() { # Runs as ec2-user: chooses a Python and a bundle, then hands over to restore.py.
  local log=$KERNEL_DIR/restore.log started python wanted='' bundle bundles before code trouble
  close_inherited
  export -n TEXT
  umask 022
  PATH=$PATH:$HOME/anaconda3/bin
  started=$(date +%s)
  trouble=$(mkdir -p "$KERNEL_DIR/bundle" 2>&1)
  if [ "$(stat -c %s "$log" || echo 0)" -gt 2000000 ]; then
    tail -c 500000 "$log" >"$log.new" && mv -f "$log.new" "$log"
    rm -f "$log.new"
  fi
  # A volume that cannot be written to still gets a log, if one that the next stop takes away.
  : >>"$log" || log=$HOME/rapids-kernel-restore.log
  exec >>"$log" 2>&1
  [ -z "$trouble" ] || note "The volume cannot be written to. $trouble"

  find_python || give_up "No Python 3.10 or later with pip was found on this instance, neither under $HOME/anaconda3 nor on the PATH. Take the platform notebook-al2023-v1, or install one (dnf install python3.11-pip), then run retry."
  if [[ $BUNDLE_SHA256 =~ ^[0-9a-f]{64}$ ]]; then
    wanted=$KERNEL_DIR/bundle/$BUNDLE_SHA256
    whole "$wanted" || [ -z "$BUNDLE_URI" ] || fetch
    exec 8>&-
  elif [ -n "$BUNDLE_URI$BUNDLE_SHA256" ]; then
    note "BUNDLE_SHA256 is '$BUNDLE_SHA256', not 64 hexadecimal digits: nothing is fetched unchecked."
  fi
  mapfile -t bundles < <(printf '%s\n' ${wanted:+"$wanted"} "$(readlink -f "$KERNEL_DIR/bundle/current")" "$(unpacked)" | awk '!seen[$0]++')
  for bundle in "${bundles[@]}"; do
    whole "$bundle" || continue
    [ "$bundle" = "${wanted:-$bundle}" ] || note "Going on with the bundle that lies here: ${bundle##*/}."
    touch "$bundle"
    ln -s "${bundle##*/}" "$KERNEL_DIR/bundle/.current-$$" &&
      mv -fT "$KERNEL_DIR/bundle/.current-$$" "$KERNEL_DIR/bundle/current"
    before=$(stat -c '%i %y' "$KERNEL_DIR/status.json")
    "$python" "$bundle/restore.py" --bundle "$bundle" --kernel-dir "$KERNEL_DIR"
    code=$?
    case $code/$(stat -c '%i %y' "$KERNEL_DIR/status.json") in
      0/* | 75/*) ;;
      */"$before") note "Bundle ${bundle##*/}: restore.py ended with exit code $code and told no status." && continue ;;
    esac
    sweep
    exit "$code"
  done
  if [ -z "$BUNDLE_URI" ]; then
    give_up "No bundle lies on the volume, and there is no address to fetch one from. Run: segwidgets lifecycle deploy"
  fi
  give_up "The bundle could not be had from $BUNDLE_URI, and none that works lies on the volume. Check the network and the instance's role, then run retry or start the instance again. The log says more: $log"
}

launch() { # Runs as root, in a session of its own. Says on fd 1 by what the restore was started.
  local name pass=()
  trap : PIPE
  close_inherited
  # Neither follows a link that the user may have put there.
  mkdir "$KERNEL_DIR"
  [ -z "$identity" ] || chown -h "$identity" "$KERNEL_DIR"
  if [ -n "$identity" ] && [ -d /run/systemd/system ]; then
    for name in TEXT HOME USER LOGNAME PATH LC_ALL "${passed[@]}"; do
      [ -z "${!name+x}" ] || pass+=("--setenv=$name=${!name}")
    done
    # No "${" in the command: systemd would expand it.
    # shellcheck disable=SC2016 # expanded by the new shell
    if timeout -k 1 20 systemd-run --quiet --collect --uid="$owner" "${pass[@]}" \
      /bin/bash -c 'eval "$TEXT"; restore' >/dev/null; then
      echo systemd
      return
    fi
  fi
  echo setsid
  # shellcheck disable=SC2016 # expanded by the new shell
  exec "${drop[@]}" /bin/bash -c 'eval "$TEXT"; restore' >/dev/null
}

# Here, in the foreground, nothing touches the volume and nothing waits without an end.

passed=(AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE AWS_ENDPOINT_URL http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY)
drop=(env)
identity=''
if [ "$(id -u)" = 0 ]; then
  if ! identity=$(id -u "$owner"):$(id -g "$owner"); then
    say "There is no user $owner, so this is no SageMaker notebook instance. Nothing was started."
    exit 0
  fi
  export HOME=/home/$owner USER=$owner LOGNAME=$owner
  drop=(setpriv "--reuid=${identity%:*}" "--regid=${identity#*:}" --init-groups)
  command -v setpriv >/dev/null || drop=(runuser -u "$owner" --)
fi
TEXT=$(
  for name in PATH BUNDLE_URI BUNDLE_SHA256 KERNEL_DIR owner identity; do printf '%s=%q\n' "$name" "${!name}"; done
  printf 'passed=(%s)\ndrop=(%s)\n' "${passed[*]}" "${drop[*]}"
  declare -f close_inherited tell note as_json status give_up find_python whole fetch unpacked sweep restore launch
)
export TEXT

# shellcheck disable=SC2016 # expanded by the new shell
IFS= read -r -d '' -t 1 told < <(exec "${drop[@]}" /bin/bash -c 'eval "$TEXT"; tell' </dev/null 2>/dev/null)
told=${told%$'\n'}
say "${told:-The volume does not answer, so nothing is known of the last restore.}"
# shellcheck disable=SC2016 # expanded by the new shell
IFS= read -r -t 0.6 how < <(exec setsid /bin/bash -c 'eval "$TEXT"; launch' </dev/null 2>/dev/null)
say "The restore runs in the background (${how:-not confirmed yet}). Its log: $KERNEL_DIR/restore.log"
exit 0
