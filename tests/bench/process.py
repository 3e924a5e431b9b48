"""Processes that are started here: none outlives this one."""
import ctypes
import signal
import subprocess

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """As preexec_fn of Popen()."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(process, patience_s=3):
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()  # it drains: clients that are gone would be waited for
        process.wait()
