"""Gunicorn's settings; read once, in the master process."""

import math
import os


def cpu_limit() -> float:
    """CPUs which the container may use: its cgroup's quota, or what is visible."""
    visible = float(len(os.sched_getaffinity(0)))

    def numbers(*paths: str) -> list[int] | None:
        try:
            words = [word for path in paths for word in open(path).read().split()]
            return [int(word) for word in words]
        except (OSError, ValueError):  # another cgroup version, or "max"
            return None

    v2 = numbers("/sys/fs/cgroup/cpu.max")
    v1 = numbers(
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"
    )
    quota, period = v2 or v1 or (-1, 1)
    return min(visible, quota / period) if quota > 0 and period > 0 else visible


bind = f"0.0.0.0:{os.environ.get('PORT') or 8080}"
worker_class = "gthread"
threads = 4
workers = int(os.environ.get("WEB_CONCURRENCY") or max(1, math.floor(2 * cpu_limit())))

# The heartbeat files belong in memory, not on the image's file system.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# It would sit in a home directory, which the image's user does not have.
control_socket_disable = True
# Below the ten seconds which container engines grant between TERM and KILL.
graceful_timeout = 8
