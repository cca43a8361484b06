#!/bin/sh
# Boots a root tree as a host of its own, with systemd as PID 1, until it is powered off or this process ends:
#
#   boot.sh NAME BASE FOLDER [OPTION OF systemd-nspawn ...]
#
# BASE is the tree, which stays as it is. FOLDER/seed is laid over it. What the host writes is in memory. Mounts and
# processes are in namespaces of their own, so that nothing of the host outlives this process, however it ends. The
# network is this machine's.
set -eu

if [ "$1" != inside ]; then
    # Whoever started this may be killed.
    exec setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child --mount-proc /bin/sh "$0" inside "$@"
fi
name=$2
base=$3
folder=$4
shift 4

# systemd 257 refuses the control groups of version 1, which many machines have at this place.
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R -l /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
# In one control group, the systemd of one host would end the services of another.
mkdir "/sys/fs/cgroup/$name"

mkdir "$folder/root" "$folder/memory"
# A disk of any kind may be unable to be the upper layer; memory can.
mount -t tmpfs -o mode=0755 tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
cp -a "$folder/seed/." "$folder/memory/upper"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/memory/upper,workdir=$folder/memory/work" "$folder/root"

# A host that restarts itself ends systemd-nspawn with 133, so that whoever started it starts it again.
code=133
while [ "$code" -eq 133 ]; do
    code=0
    (
        echo 0 >"/sys/fs/cgroup/$name/cgroup.procs"
        exec systemd-nspawn --quiet --boot --directory="$folder/root" --machine="$name" --register=no --keep-unit \
            --link-journal=no --resolv-conf=off --timezone=off "$@"
    ) || code=$?
done
exit "$code"
