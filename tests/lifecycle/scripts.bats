# The lifecycle scripts as their caller sees them. Run as root inside the simulated instance, by test_on_start.py.

setup() {
  scripts=$BATS_TEST_DIRNAME/../../lifecycle
  directory=/home/ec2-user/SageMaker/.rapids-kernel
  # What the test before has started may still be writing there.
  for _ in $(seq 100); do
    rm -rf "$directory" 2>/dev/null && break
    sleep 0.1
  done
  [ ! -e "$directory" ]
}

filled() { # SCRIPT URI SHA256
  sed "s|^BUNDLE_URI=''\$|BUNDLE_URI='$2'|; s|^BUNDLE_SHA256=''\$|BUNDLE_SHA256='$3'|" "$scripts/$1" >"$BATS_TEST_TMPDIR/$1"
  echo "$BATS_TEST_TMPDIR/$1"
}

@test "on-create makes the directory, for ec2-user, and says where the kernels come from" {
  sum=$(printf '%064d' 7)
  run bash "$(filled on-create.sh s3://bucket/kernel.tar.gz "$sum")"
  [ "$status" -eq 0 ]
  [ "$(stat -c %U "$directory")" = ec2-user ]
  [[ $output == *"The kernels come from the bundle s3://bucket/kernel.tar.gz (sha256 $sum)."* ]]
}

@test "on-create twice is as good as once" {
  bash "$scripts/on-create.sh"
  touch "$directory/kept"
  run bash "$scripts/on-create.sh"
  [ "$status" -eq 0 ]
  [ -e "$directory/kept" ]
}

@test "on-create says that a bundle without checksum will not be taken" {
  run bash "$(filled on-create.sh s3://bucket/kernel.tar.gz "")"
  [ "$status" -eq 0 ]
  [[ $output == *"BUNDLE_SHA256 is '', not 64 hexadecimal digits"* ]]
}

@test "on-create says that no bundle is named" {
  run bash "$scripts/on-create.sh"
  [[ $output == *"No bundle is named"*"segwidgets lifecycle deploy"* ]]
}

@test "on-create warns of a small volume, and only of a small one" {
  mkdir -p /tmp/small /tmp/large
  mount -t tmpfs -o size=5g none /tmp/small
  mount -t tmpfs -o size=50g none /tmp/large
  SEGWIDGETS_KERNEL_DIR=/tmp/small/.rapids-kernel run bash "$scripts/on-create.sh"
  [[ $output == *"The volume has only 5 GB"*"set its volume size to 50 GB"* ]]
  SEGWIDGETS_KERNEL_DIR=/tmp/large/.rapids-kernel run bash "$scripts/on-create.sh"
  [[ $output == *"The volume is ready: 53 GB."* ]]
  umount /tmp/small /tmp/large
}

@test "neither fails without an ec2-user" {
  for script in on-start.sh on-create.sh; do
    sed 's/^owner=.*/owner=nobody-of-that-name/' "$scripts/$script" >"$BATS_TEST_TMPDIR/$script"
    run bash "$BATS_TEST_TMPDIR/$script"
    [ "$status" -eq 0 ]
    [[ $output == *"There is no user nobody-of-that-name"* ]]
  done
}

@test "neither fails where nobody reads the output, or standard output is closed" {
  for script in on-start.sh on-create.sh; do
    run bash -c "set -o pipefail; bash '$scripts/$script' | true"
    [ "$status" -eq 0 ]
    run bash -c "bash '$scripts/$script' >&- 2>&-"
    [ "$status" -eq 0 ]
  done
}

@test "neither fails where a program that it calls is missing" {
  for script in on-start.sh on-create.sh; do
    sed 's|^export PATH=[^ ]*|export PATH=/nowhere|' "$scripts/$script" >"$BATS_TEST_TMPDIR/$script"
    run bash "$BATS_TEST_TMPDIR/$script"
    [ "$status" -eq 0 ]
  done
}

@test "the status that on-start writes is JSON whatever the address holds" {
  run bash "$(filled on-start.sh 's3:\/\/b\\\\"	' "$(printf '%064d' 7)")"
  [ "$status" -eq 0 ]
  for _ in $(seq 100); do
    [ -e "$directory/retry" ] && break
    sleep 0.1
  done
  python3 -c "import json; print(json.load(open('$directory/status.json'))['state'])"
}
