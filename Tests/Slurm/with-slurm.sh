#!/usr/bin/env bash
# Runs a command on a real single-node Slurm that lives in a folder of its own and is gone afterwards:
#   with-slurm.sh COMMAND ARGUMENT…
# Ends with 77, and says why, where Slurm cannot be started.
set -uo pipefail
skip() { echo "Slurm cannot be started here: $1" >&2; exit 77; }
[ "$(id -u)" = 0 ] || skip "its daemons need root"
for program in slurmctld slurmd sbatch squeue mungekey; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "there is no $program; install slurmctld, slurmd, slurm-client and munge"
done
PATH=$PATH:/usr/sbin
folder=$(mktemp -d /tmp/kirchhoff-slurm-XXXXXX)
chmod 755 "$folder"
mkdir "$folder/state" "$folder/spool" "$folder/munge"
# munged insists on folders that nobody else can write, and on its own user.
chown munge "$folder/munge"
host=$(hostname -s)
pids=()
stop() {
  # slurmd waits for its controller when it is asked to stop, and the folder goes anyway.
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
  wait 2>/dev/null
  # Step daemons outlive slurmd when a job still runs.
  pkill -f "slurmstepd.*$folder" 2>/dev/null
  rm -rf "$folder"
}
trap stop EXIT
dd if=/dev/urandom of="$folder/munge/key" bs=1024 count=1 2>/dev/null
chown munge "$folder/munge/key"; chmod 400 "$folder/munge/key"
setpriv --reuid munge --regid munge --clear-groups munged --foreground --key-file="$folder/munge/key" \
  --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" \
  --seed-file="$folder/munge/seed" --force >"$folder/munged.out" 2>&1 &
pids+=($!)
port=$((20000 + $$ % 20000))
cat >"$folder/slurm.conf" <<EOF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_min_interval=100000
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(free -m | awk '/Mem:/ {print int($2 * 0.8)}') State=UNKNOWN
PartitionName=short Nodes=$host Default=YES MaxTime=01:00:00 State=UP
EOF
export SLURM_CONF=$folder/slurm.conf
for _ in $(seq 50); do [ -S "$folder/munge/socket" ] && break; sleep 0.1; done
[ -S "$folder/munge/socket" ] || skip "munged did not start: $(tail -n 1 "$folder/munged.out")"
slurmctld -D -f "$SLURM_CONF" >"$folder/slurmctld.out" 2>&1 &
pids+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$folder/slurmd.out" 2>&1 &
pids+=($!)
for _ in $(seq 150); do
  sinfo --noheader --format=%T 2>/dev/null | grep -q '^idle' && break
  sleep 0.2
done
sinfo --noheader --format=%T 2>/dev/null | grep -q '^idle' ||
  skip "no node became idle: $(tail -n 1 "$folder/slurmd.log" 2>/dev/null) $(tail -n 1 "$folder/slurmctld.log" 2>/dev/null)"
"$@"
